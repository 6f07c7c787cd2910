import pytest

from custom_components.rtvoice.engine.errors import ConfigurationError
from custom_components.rtvoice.engine.skills import Skill
from custom_components.rtvoice.engine.skills.skill import MAX_FILE_BYTES


def test_a_folder_is_a_skill(write_skill) -> None:
    folder = write_skill(license="MIT", allowed_tools="Read")
    skill = Skill.from_dir(folder)
    assert (skill.name, skill.instructions, skill.folder) == ("brewing", "Use fresh water.", folder)
    assert (skill.license, skill.allowed_tools, skill.allow_scripts) == ("MIT", ("Read",), False)


def test_a_skill_is_read_anew_from_its_folder(write_skill) -> None:
    skill = Skill.from_dir(write_skill(), allow_scripts=True)
    file = skill.folder / "SKILL.md"
    file.write_text(file.read_text().replace("fresh", "soft"), encoding="utf-8")
    again = skill.reread()
    assert (again.instructions, again.allow_scripts) == ("Use soft water.", True)


def test_the_name_must_be_the_folders(write_skill) -> None:
    folder = write_skill()
    with pytest.raises(ConfigurationError, match="its name is 'brewing', but its folder's is 'other'"):
        Skill.from_dir(folder.rename(folder.with_name("other")))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "there is no SKILL.md"),
        (b"\xff\xfe", "not encoded in UTF-8"),
        (b"x" * (MAX_FILE_BYTES + 1), "larger than"),
    ],
)
def test_a_file_that_is_no_skill_is_refused_in_words(tmp_path, content, complaint) -> None:
    if content is not None:
        (tmp_path / "SKILL.md").write_bytes(content)
    with pytest.raises(ConfigurationError, match=complaint):
        Skill.from_dir(tmp_path)


def test_a_file_that_cannot_be_read_is_refused_in_words(tmp_path) -> None:
    (tmp_path / "SKILL.md").symlink_to("/proc/self/mem")
    with pytest.raises(ConfigurationError, match=r"SKILL\.md cannot be read"):
        Skill.from_dir(tmp_path)


def test_skills_are_found_at_any_depth_and_a_broken_one_costs_nothing(tmp_path, write_skill, caplog) -> None:
    write_skill("brewing", files={"examples/inner/SKILL.md": "not looked at"})
    write_skill("zesting")
    nested = write_skill("gardening")
    group = tmp_path / "skills" / "m-group"
    group.mkdir()
    nested.rename(group / "gardening")
    write_skill("broken", body="")
    (tmp_path / "skills" / ".git").mkdir()
    (tmp_path / "skills" / ".git" / "SKILL.md").write_text("x", encoding="utf-8")
    (tmp_path / "skills" / "loop").symlink_to(tmp_path / "skills")
    found = Skill.discover(tmp_path / "skills", allow_scripts=True)
    assert [skill.name for skill in found] == ["brewing", "gardening", "zesting"]
    assert all(skill.allow_scripts for skill in found)
    assert "broken" in caplog.text


def test_of_two_skills_with_one_name_the_later_wins(tmp_path, write_skill, caplog) -> None:
    folder = write_skill()
    first = tmp_path / "skills" / "a"
    first.mkdir()
    folder.rename(first / "brewing")
    later = write_skill(body="Later.")
    (found,) = Skill.discover(tmp_path / "skills")
    assert (found.folder, found.instructions) == (later, "Later.")
    assert "is there twice" in caplog.text


def test_a_root_that_does_not_exist_is_an_error(tmp_path) -> None:
    with pytest.raises(ConfigurationError, match="no folder of skills"):
        Skill.discover(tmp_path / "nowhere")


def test_a_text_is_a_skill() -> None:
    skill = Skill.from_content("a-skill", "\n# Do it\n\nLike this.\n")
    assert (skill.name, skill.description, skill.instructions) == ("a-skill", "Do it", "# Do it\n\nLike this.")
    assert skill.reread() is skill
    assert Skill.from_content("a-skill", "x", "Sums up").description == "Sums up"


@pytest.mark.parametrize(("name", "body", "summary"), [("A", "x", None), ("a", "  ", None), ("a", "x", " ")])
def test_a_text_that_is_no_skill_is_refused(name, body, summary) -> None:
    with pytest.raises(ConfigurationError, match=f"Skill '{name}'"):
        Skill.from_content(name, body, summary)
