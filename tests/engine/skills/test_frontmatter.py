import pytest

from custom_components.rtvoice.engine.errors import ConfigurationError
from custom_components.rtvoice.engine.skills.frontmatter import parse

HEAD = "name: a-skill\ndescription: Does it.\n"


def text(head: str, body: str = "Do it.") -> str:
    return f"---\n{head}---\n{body}"


def test_a_head_with_all_fields_is_read() -> None:
    head, instructions = parse(
        text(
            HEAD + "license: MIT\ncompatibility: Needs git\nmetadata:\n  author: me\nallowed-tools: Read Bash(git:*)\n"
            "colour: blue\n",
            "\nFirst this.\n\n---\n\nThen that.\n",
        )
    )
    assert (head.name, head.description, head.license, head.compatibility) == (
        "a-skill",
        "Does it.",
        "MIT",
        "Needs git",
    )
    assert head.metadata == {"author": "me"}
    assert head.allowed_tools == ("Read", "Bash(git:*)")
    assert instructions == "First this.\n\n---\n\nThen that."


@pytest.mark.parametrize(
    "content",
    [
        text(HEAD).replace("\n", "\r\n"),
        "\ufeff" + text(HEAD),
        text("name: a-skill\ndescription: >\n  Does\n  it.\n"),
        text(HEAD + "allowed-tools: [Read, Write]\n"),
    ],
)
def test_other_ways_to_write_a_head_are_read(content) -> None:
    head, instructions = parse(content)
    assert (head.name, head.description, instructions) == ("a-skill", "Does it.", "Do it.")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("Do it.", "does not begin with a head"),
        (f"---\n{HEAD}Do it.", "does not begin with a head"),
        (text("- a\n- b\n"), "no mapping"),
        (text("name: [\n"), "no YAML in line"),
        (text("name: a-skill\nday: 2026-13-45\n"), "no YAML"),
        (text("name: !!python/object/apply:os.system ['true']\n"), "no YAML"),
        (text(HEAD, "\n \n"), "no instructions"),
        (text("name: a-skill\n"), "description: Field required"),
        (text("name: a-skill\ndescription: '  '\n"), "description: "),
        (text("name: a-skill\ndescription: yes\n"), "description: Input should be a valid string"),
        (text(f"name: a-skill\ndescription: {'x' * 1025}\n"), "description: String should have at most 1024"),
        (text("name: A-Skill\ndescription: x\n"), "name: "),
        (text("name: a--skill\ndescription: x\n"), "name: "),
        (text(f"name: {'a' * 65}\ndescription: x\n"), "name: "),
        (text(f"{HEAD}compatibility: {'x' * 501}\n"), "compatibility: "),
        (text(f"{HEAD}metadata:\n  version: 1\n"), "metadata.version: "),
        (text(f"{HEAD}allowed-tools: 7\n"), "allowed-tools: "),
    ],
)
def test_a_wrong_head_is_refused_in_words(content, complaint) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        parse(content)
