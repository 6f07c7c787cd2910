"""What the model is told of skills, and the tools by which it uses them."""

import asyncio
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from ..errors import ConfigurationError, ToolArgumentsError, ToolFailedError
from ..tools import Tools
from .resources import listing, locate, page, read
from .scripts import run_script
from .skill import SKILL_FILE, Skill

_RULES: Final = """\
Skills are instructions for kinds of tasks. When one fits the task, call load_skill with its name before you begin, \
and follow what it says. Read the files it mentions with read_skill_resource."""
_SCRIPT_TIMEOUT_S: Final = 60
_MAX_SCRIPT_S: Final = 300
_GRACE_S: Final = 10.0

type _Name = Annotated[str, "Name of the skill"]
type _Path = Annotated[str, "Path of the file, relative to the skill's folder"]


class SkillTools:
    """Skills as tools; files are read in threads. Raises ConfigurationError for two skills of the same name."""

    def __init__(self, skills: Iterable[Skill]) -> None:
        self._skills: dict[str, Skill] = {}
        for skill in skills:
            if skill.name in self._skills:
                raise ConfigurationError(f"There are two skills with the name '{skill.name}'")
            self._skills[skill.name] = skill

    @property
    def index(self) -> str:
        """The skills' names and descriptions, for the model's instructions; empty without skills."""
        if not self._skills:
            return ""
        lines = [
            f'<skill name="{escape(skill.name)}">{escape(skill.description)}</skill>' for skill in self._skills.values()
        ]
        return "\n".join((_RULES, "<available_skills>", *lines, "</available_skills>"))

    def register(self, registry: Tools) -> None:
        """Offer `load_skill`, `read_skill_resource` and, where a skill allows scripts, `run_skill_script`.

        Without skills nothing is offered. Raises ValueError for names that are taken.
        """
        if not self._skills:
            return
        registry.action("Read the instructions of a skill and the list of its files.", "load_skill")(self._load)
        if any(skill.folder for skill in self._skills.values()):
            registry.action("Read a file of a skill.", "read_skill_resource")(self._read)
        if any(skill.folder and skill.allow_scripts for skill in self._skills.values()):
            description = "Run a script of a skill (.py, .sh or .bash) and read what it prints."
            registry.action(description, "run_skill_script", timeout=_MAX_SCRIPT_S + _GRACE_S)(self._run)

    def _load(self, name: _Name) -> dict[str, object]:
        return _loaded(self._find(name))

    def _read(
        self,
        name: _Name,
        path: _Path,
        offset: Annotated[int, Field(ge=0, description="Character to begin at, for long files")] = 0,
    ) -> dict[str, object]:
        return read(_folder(self._find(name)), path, offset)

    async def _run(
        self,
        name: _Name,
        path: _Path,
        args: Annotated[list[str], "Arguments of the script"] = [],  # noqa: B006 - the schema shows it; nobody changes it
        timeout: Annotated[  # noqa: ASYNC109 - the model's wish, told to the process
            int, Field(ge=1, le=_MAX_SCRIPT_S, description="Seconds it may take")
        ] = _SCRIPT_TIMEOUT_S,
    ) -> str:
        skill = self._find(name)
        if not skill.allow_scripts:
            raise ToolFailedError(f"Scripts of skill '{name}' are not allowed")
        folder = _folder(skill)
        script = await asyncio.to_thread(locate, folder, path)
        return await run_script(folder, script, args, timeout)

    def _find(self, name: str) -> Skill:
        skill = self._skills.get(name)
        if skill is None:
            raise ToolArgumentsError(f"There is no skill '{name}'; the skills are: {', '.join(self._skills)}")
        return skill


def _loaded(skill: Skill) -> dict[str, object]:
    """What the folder holds now; its files may have been edited since the start."""
    try:
        current = skill.reread()
    except ConfigurationError as err:
        raise ToolFailedError(f"Skill '{skill.name}' cannot be loaded any more") from err
    loaded: dict[str, object] = {"skill": skill.name, "instructions": current.instructions}
    if skill.folder is None:
        return loaded
    piece = page(current.instructions)
    if "next_offset" in piece:
        loaded |= {"instructions": piece["text"], "cut": f"read all of it with read_skill_resource, path {SKILL_FILE}"}
    return loaded | {"files": [path for path in listing(skill.folder) if path != SKILL_FILE]}


def _folder(skill: Skill) -> Path:
    if skill.folder is None:
        raise ToolArgumentsError(f"Skill '{skill.name}' has no files")
    return skill.folder
