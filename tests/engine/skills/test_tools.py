import json

import pytest

from custom_components.rtvoice.engine.conversation.values import ToolCall, ToolOutcome
from custom_components.rtvoice.engine.errors import ConfigurationError
from custom_components.rtvoice.engine.skills import Skill, SkillTools
from custom_components.rtvoice.engine.skills.resources import PAGE_CHARS
from custom_components.rtvoice.engine.tools import Tools


async def call(skills: list[Skill], tool: str, **arguments) -> ToolOutcome:
    registry = Tools()
    SkillTools(skills).register(registry)
    return await registry.run(ToolCall("c1", tool, json.dumps(arguments)))


def offered(*skills: Skill) -> tuple[str, ...]:
    registry = Tools()
    SkillTools(skills).register(registry)
    return registry.names()


def test_the_index_tells_names_and_descriptions_escaped() -> None:
    index = SkillTools([Skill.from_content("a", "Do it.", "For <b> & 'c'"), Skill.from_content("d", "E")]).index
    assert "<available_skills>\n" in index
    assert '<skill name="a">For &lt;b&gt; &amp; &#x27;c&#x27;</skill>' in index
    assert "Do it." not in index
    assert SkillTools([]).index == ""


def test_only_tools_that_can_be_of_use_are_offered(write_skill) -> None:
    folder = write_skill()
    assert offered() == ()
    assert offered(Skill.from_content("a", "x")) == ("load_skill",)
    assert offered(Skill.from_dir(folder)) == ("load_skill", "read_skill_resource")
    assert offered(Skill.from_dir(folder, allow_scripts=True))[-1] == "run_skill_script"


def test_names_are_used_once() -> None:
    skill = Skill.from_content("a", "x")
    with pytest.raises(ConfigurationError, match="two skills with the name 'a'"):
        SkillTools([skill, skill])


async def test_a_skill_is_loaded_with_its_files_as_they_are_now(write_skill) -> None:
    skill = Skill.from_dir(write_skill(files={"notes.md": "x"}))
    (skill.folder / "new.md").write_text("y", encoding="utf-8")
    loaded = json.loads((await call([skill], "load_skill", name="brewing")).output)
    assert loaded == {"skill": "brewing", "instructions": "Use fresh water.", "files": ["new.md", "notes.md"]}
    text = Skill.from_content("a", "Do it.")
    assert json.loads((await call([text], "load_skill", name="a")).output) == {"skill": "a", "instructions": "Do it."}


async def test_long_instructions_are_cut_and_can_be_read_on(write_skill) -> None:
    skill = Skill.from_dir(write_skill(body="x" * (PAGE_CHARS + 1)))
    loaded = json.loads((await call([skill], "load_skill", name="brewing")).output)
    assert len(loaded["instructions"]) == PAGE_CHARS
    assert "SKILL.md" in loaded["cut"]
    outcome = await call([skill], "read_skill_resource", name="brewing", path="SKILL.md", offset=PAGE_CHARS)
    assert "x" in json.loads(outcome.output)["text"]


async def test_a_skill_that_was_broken_meanwhile_says_so(write_skill) -> None:
    skill = Skill.from_dir(write_skill())
    (skill.folder / "SKILL.md").unlink()
    outcome = await call([skill], "load_skill", name="brewing")
    assert outcome == ToolOutcome("Skill 'brewing' cannot be loaded any more", ok=False)


async def test_unknown_skills_and_missing_files_are_told_to_the_model(write_skill) -> None:
    skills = [Skill.from_dir(write_skill()), Skill.from_content("a", "x")]
    outcome = await call(skills, "load_skill", name="b")
    assert outcome == ToolOutcome("There is no skill 'b'; the skills are: brewing, a", ok=False)
    assert not (await call(skills, "read_skill_resource", name="a", path="x")).ok
    assert not (await call(skills, "read_skill_resource", name="brewing", path="../x")).ok


async def test_scripts_run_only_where_the_user_allowed_them(write_skill) -> None:
    files = {"scripts/hi.py": "import sys; print('hi', *sys.argv[1:])"}
    tame = Skill.from_dir(write_skill(files=files))
    free = Skill.from_dir(write_skill("free", files=files), allow_scripts=True)
    arguments = {"path": "scripts/hi.py", "args": ["you"]}
    outcome = await call([tame, free], "run_skill_script", name="free", **arguments)
    assert outcome == ToolOutcome("hi you")
    refused = await call([tame, free], "run_skill_script", name="brewing", **arguments)
    assert refused == ToolOutcome("Scripts of skill 'brewing' are not allowed", ok=False)
    for timeout in (0, 301):
        assert not (await call([free], "run_skill_script", name="free", timeout=timeout, **arguments)).ok
    assert not (await call([free], "run_skill_script", name="free", path="../hi.py")).ok
