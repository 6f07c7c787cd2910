"""The head of a SKILL.md file, as https://agentskills.io/specification describes it."""

import logging
import re
from importlib import import_module
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from ..errors import ConfigurationError

_LOGGER = logging.getLogger(__name__)

_PARTS: Final = re.compile(r"\A---[ \t]*\r?\n(.*?)^---[ \t]*\r?$\n?(.*)\Z", re.DOTALL | re.MULTILINE)


def _split(value: object) -> object:
    return tuple(value.split()) if isinstance(value, str) else value


type SkillName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
type Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Frontmatter(BaseModel):
    """What stands between the two lines of dashes; keys that are not known are ignored."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    name: SkillName
    description: Annotated[Text, StringConstraints(max_length=1024)]
    license: Text | None = None
    compatibility: Annotated[Text, StringConstraints(max_length=500)] | None = None
    metadata: dict[str, str] = Field(default_factory=dict)
    allowed_tools: Annotated[tuple[str, ...], BeforeValidator(_split), Field(alias="allowed-tools", strict=False)] = ()


def parse(text: str) -> tuple[Frontmatter, str]:
    """The head and the instructions behind it. Raises ConfigurationError that says what is wrong."""
    if (parts := _PARTS.match(text.removeprefix("\ufeff"))) is None:
        raise ConfigurationError("it does not begin with a head between two lines of ---")
    head = checked(_yaml(parts[1]))
    instructions = parts[2].strip()
    if not instructions:
        raise ConfigurationError("it has no instructions")
    return head, instructions


def checked(head: object) -> Frontmatter:
    """A head whose fields are what they should be. Raises ConfigurationError."""
    if not isinstance(head, dict):
        raise ConfigurationError("its head is no mapping")
    known = {alias for field, info in Frontmatter.model_fields.items() for alias in (info.alias or field,)}
    if unknown := sorted(str(key) for key in head if key not in known):
        _LOGGER.debug("A skill's head has unknown keys: %s", ", ".join(unknown))
    try:
        return Frontmatter.model_validate(head)
    except ValidationError as err:
        wrong = [
            f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}"
            for each in err.errors(include_url=False, include_context=False, include_input=False)
        ]
        raise ConfigurationError(f"its head is wrong: {'; '.join(wrong)}") from err


def _yaml(text: str) -> object:
    yaml: Any = import_module("yaml")
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as err:
        # The parser raises ValueError for dates and numbers that cannot be.
        place = getattr(err, "problem_mark", None)
        where = "" if place is None else f" in line {place.line + 2}"
        raise ConfigurationError(f"its head is no YAML{where}") from err
