import os
from pathlib import Path

import pytest

from custom_components.rtvoice.engine.errors import ToolArgumentsError, ToolFailedError
from custom_components.rtvoice.engine.skills.resources import (
    MAX_BINARY_BYTES,
    MAX_TEXT_BYTES,
    PAGE_CHARS,
    listing,
    locate,
    read,
)


def test_files_are_listed_without_hidden_ones(write_skill) -> None:
    folder = write_skill(files={"b.txt": "b", "a/x.md": "x", ".env": "s", ".git/config": "c", "__pycache__/m.pyc": "m"})
    assert listing(folder) == ("SKILL.md", "b.txt", "a/x.md")


def test_a_long_list_is_cut(write_skill) -> None:
    folder = write_skill(files={f"f{number}": "" for number in range(300)})
    listed = listing(folder)
    assert len(listed) == 201
    assert listed[-1] == "…"


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../other/SKILL.md", "a/../../x", "link.txt", "linked/passwd", "a\0b", "", ".", "none.txt"]
)
def test_no_path_leads_out_of_the_folder(write_skill, tmp_path, path) -> None:
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    folder = write_skill(files={"a/x.md": "x"})
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "linked").symlink_to("/etc")
    with pytest.raises(ToolArgumentsError):
        read(folder, path)


def test_what_is_no_regular_file_is_not_opened(write_skill) -> None:
    folder = write_skill()
    os.mkfifo(folder / "pipe")
    (folder / "round").symlink_to(folder / "round")
    for path in ("pipe", "round", "x" * 300):
        with pytest.raises(ToolArgumentsError):
            locate(folder, path)


def test_links_inside_the_folder_and_a_linked_folder_are_followed(write_skill, tmp_path) -> None:
    folder = write_skill(files={"a/x.md": "x"})
    (folder / "short").symlink_to(folder / "a" / "x.md")
    (tmp_path / "brewing").symlink_to(folder)
    assert read(tmp_path / "brewing", "short") == {"path": "short", "text": "x"}


def test_a_long_text_is_read_in_pieces(write_skill) -> None:
    folder = write_skill(files={"long.md": "ä" * (PAGE_CHARS + 5)})
    first = read(folder, "long.md")
    assert first["next_offset"] == PAGE_CHARS
    assert first["total_characters"] == PAGE_CHARS + 5
    assert read(folder, "long.md", PAGE_CHARS) == {"path": "long.md", "text": "ä" * 5}


def test_a_binary_file_comes_in_base64_if_it_is_short(write_skill) -> None:
    folder = write_skill(files={"a.bin": b"\xff\x00", "b.bin": b"\xff" * (MAX_BINARY_BYTES + 1)})
    assert read(folder, "a.bin") == {"path": "a.bin", "bytes": 2, "base64": "/wA="}
    with pytest.raises(ToolFailedError, match="a binary file of more than"):
        read(folder, "b.bin")


def test_a_huge_text_is_refused(write_skill) -> None:
    folder = write_skill(files={"huge.txt": "x" * (MAX_TEXT_BYTES + 1)})
    with pytest.raises(ToolFailedError, match="larger than"):
        read(folder, "huge.txt")


def test_a_file_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(ToolFailedError, match="'mem' cannot be read"):
        read(Path("/proc/self"), "mem")
