"""A folder of skills, and nothing left of scripts after a test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.mcp.rig import lives

type WriteSkill = Callable[..., Path]


@pytest.fixture
def write_skill(tmp_path) -> WriteSkill:
    """Writes a skill's folder, with files by their paths."""

    def write(name: str = "brewing", body: str = "Use fresh water.", files: dict | None = None, **head) -> Path:
        folder = tmp_path / "skills" / name
        folder.mkdir(parents=True)
        lines = {"name": name, "description": "Makes tea. Use it for hot drinks.", **head}
        text = "\n".join(f"{key.replace('_', '-')}: {value}" for key, value in lines.items() if value is not None)
        (folder / "SKILL.md").write_text(f"---\n{text}\n---\n\n{body}\n", encoding="utf-8")
        for path, content in (files or {}).items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content if isinstance(content, bytes) else content.encode())
        return folder

    return write


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    """Each test ends without processes of its own."""
    yield
    noted = [path.read_text(encoding="utf-8") for path in Path("/proc/self/task").glob("*/children")]
    assert not [pid for pids in noted for pid in map(int, pids.split()) if lives(pid)]
