"""A skill, from a folder or from a text."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from ..errors import ConfigurationError
from .frontmatter import Frontmatter, checked, parse

SKILL_FILE: Final = "SKILL.md"
MAX_FILE_BYTES: Final = 1024 * 1024
"""Longest SKILL.md."""

_LOGGER = logging.getLogger(__name__)
_MAX_SUMMARY: Final = 1024


@dataclass(frozen=True, slots=True)
class Skill:
    """Instructions for a kind of task; the model is told name and description, and loads the rest when it needs it."""

    name: str
    """Lower-case letters, digits and single hyphens, at most 64."""
    description: str
    """What it does and when to use it, at most 1024 characters."""
    instructions: str = field(repr=False)
    folder: Path | None = None
    """Where its files are; None for a skill without files."""
    allow_scripts: bool = False
    """Whether the model may run the scripts in the folder, with the rights of this process."""
    license: str | None = None
    compatibility: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    allowed_tools: tuple[str, ...] = ()
    """What the author says the skill needs; nothing is enforced."""

    @classmethod
    def from_dir(cls, folder: str | Path, *, allow_scripts: bool = False) -> Self:
        """Read the skill in a folder with a SKILL.md. It reads files: inside an event loop, call it in a thread.

        Raises ConfigurationError that says what is wrong.
        """
        root = Path(folder).absolute()
        try:
            head, instructions = _named_as(root.name, _content(root / SKILL_FILE))
        except ConfigurationError as err:
            raise ConfigurationError(f"Skill '{root}': {err}") from err
        return cls._with_head(head, instructions, root, allow_scripts=allow_scripts)

    @classmethod
    def discover(cls, root: str | Path, *, allow_scripts: bool = False) -> tuple[Self, ...]:
        """Read all skills in a folder, at any depth, in the order of their paths.

        Symbolic links to folders and hidden folders are not searched. A broken skill is logged and left out; of two
        with the same name the later wins. It reads files: inside an event loop, call it in a thread. Raises
        ConfigurationError when there is no such folder.
        """
        if not Path(root).is_dir():
            raise ConfigurationError(f"There is no folder of skills at '{root}'")
        found: dict[str, Self] = {}
        for folder in _skill_folders(root):
            try:
                skill = cls.from_dir(folder, allow_scripts=allow_scripts)
            except ConfigurationError as err:
                _LOGGER.warning("%s", err)
                continue
            if skill.name in found:
                _LOGGER.warning("Skill %s is there twice; the one in %s is used", skill.name, folder)
            found[skill.name] = skill
        return tuple(found.values())

    @classmethod
    def from_content(cls, name: str, instructions: str, summary: str | None = None) -> Self:
        """A skill without files; without a summary the first line of the instructions is one.

        Raises ConfigurationError that says what is wrong.
        """
        text = instructions.strip()
        if not text:
            raise ConfigurationError(f"Skill '{name}': it has no instructions")
        description = text.splitlines()[0].strip("# \t")[:_MAX_SUMMARY] if summary is None else summary
        try:
            head = checked({"name": name, "description": description})
        except ConfigurationError as err:
            raise ConfigurationError(f"Skill '{name}': {err}") from err
        return cls._with_head(head, text, None, allow_scripts=False)

    @classmethod
    def _with_head(cls, head: Frontmatter, instructions: str, folder: Path | None, *, allow_scripts: bool) -> Self:
        return cls(
            name=head.name,
            description=head.description,
            instructions=instructions,
            folder=folder,
            allow_scripts=allow_scripts,
            license=head.license,
            compatibility=head.compatibility,
            metadata=head.metadata,
            allowed_tools=head.allowed_tools,
        )

    def reread(self) -> Self:
        """The skill as its folder has it now; itself, if it has none. Raises ConfigurationError."""
        return self if self.folder is None else type(self).from_dir(self.folder, allow_scripts=self.allow_scripts)


def _skill_folders(root: str | Path) -> list[Path]:
    found: list[Path] = []
    for folder, below, files in os.walk(root):
        below[:] = [] if SKILL_FILE in files else sorted(name for name in below if not name.startswith("."))
        if SKILL_FILE in files:
            found.append(Path(folder))
    return found


def _named_as(name: str, content: str) -> tuple[Frontmatter, str]:
    head, instructions = parse(content)
    if head.name != name:
        raise ConfigurationError(f"its name is '{head.name}', but its folder's is '{name}'")
    return head, instructions


def _content(path: Path) -> str:
    try:
        if not path.is_file():
            raise ConfigurationError(f"there is no {SKILL_FILE}")
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as err:
        raise ConfigurationError(f"{SKILL_FILE} cannot be read: {err.strerror}") from err
    if len(content) > MAX_FILE_BYTES:
        raise ConfigurationError(f"{SKILL_FILE} is larger than {MAX_FILE_BYTES} bytes")
    try:
        return content.decode()
    except UnicodeDecodeError as err:
        raise ConfigurationError(f"{SKILL_FILE} is not encoded in UTF-8") from err
