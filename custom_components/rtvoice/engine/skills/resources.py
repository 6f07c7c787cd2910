"""Files of a skill, and nothing outside of its folder."""

import os
from base64 import b64encode
from pathlib import Path, PurePosixPath
from typing import Final

from ..errors import ToolArgumentsError, ToolFailedError

MAX_TEXT_BYTES: Final = 1024 * 1024
"""Longest text file that is read."""
MAX_BINARY_BYTES: Final = 9 * 1024
"""Longest binary file that is given out; in base64 it is a third longer."""
PAGE_CHARS: Final = 12_000
"""Longest piece of a text that is given out at once."""
_MAX_LISTED: Final = 200


def listing(folder: Path) -> tuple[str, ...]:
    """Paths of the files in a skill's folder, relative to it; hidden ones and links to folders are left out."""
    found: list[str] = []
    for parent, below, files in os.walk(folder):
        below[:] = sorted(name for name in below if not name.startswith(".") and name != "__pycache__")
        found += [
            Path(parent, name).relative_to(folder).as_posix() for name in sorted(files) if not name.startswith(".")
        ]
        if len(found) > _MAX_LISTED:
            return (*found[:_MAX_LISTED], "…")
    return tuple(found)


def locate(folder: Path, path: str) -> Path:
    """The regular file at a path inside a skill's folder, links followed.

    Raises ToolArgumentsError for a path that leads outside, and for one where no file is.
    """
    asked = PurePosixPath(path)
    if asked.is_absolute() or ".." in asked.parts or "\0" in path:
        raise ToolArgumentsError(f"'{path}' is not a path inside the skill")
    root = folder.resolve()
    target = (root / asked).resolve()
    if not target.is_relative_to(root):
        raise ToolArgumentsError(f"'{path}' is not a path inside the skill")
    if not target.is_file():
        raise ToolArgumentsError(f"The skill has no file '{path}'")
    return target


def read(folder: Path, path: str, offset: int = 0) -> dict[str, object]:
    """A text from `offset` characters on, as much as one answer holds; a binary file whole, in base64.

    Raises ToolArgumentsError for a path outside of the folder, ToolFailedError for a file that is too large or cannot
    be read.
    """
    target = locate(folder, path)
    try:
        with target.open("rb") as file:
            content = file.read(MAX_TEXT_BYTES + 1)
    except OSError as err:
        raise ToolFailedError(f"'{path}' cannot be read: {err.strerror}") from err
    try:
        text = content.decode()
    except UnicodeDecodeError as err:
        if len(content) > MAX_BINARY_BYTES:
            raise ToolFailedError(f"'{path}' is a binary file of more than {MAX_BINARY_BYTES} bytes") from err
        return {"path": path, "bytes": len(content), "base64": b64encode(content).decode()}
    if len(content) > MAX_TEXT_BYTES:
        raise ToolFailedError(f"'{path}' is larger than {MAX_TEXT_BYTES} bytes")
    return {"path": path, **page(text, offset)}


def page(text: str, offset: int = 0) -> dict[str, object]:
    """A piece of a text, and where the next one begins if there is one."""
    end = offset + PAGE_CHARS
    piece: dict[str, object] = {"text": text[offset:end]}
    return piece | {"next_offset": end, "total_characters": len(text)} if len(text) > end else piece
