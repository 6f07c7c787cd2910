"""Skills: folders of instructions, files and scripts that a model reads when a task calls for them."""

from .skill import Skill
from .tools import SkillTools

__all__ = ["Skill", "SkillTools"]
