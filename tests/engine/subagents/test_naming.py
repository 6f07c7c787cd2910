import pytest

from custom_components.rtvoice.engine.subagents.naming import free_name, tool_name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Music Agent", "Music_Agent"),
        ("  Köchin  ", "Kochin"),
        ("a/b..c-d_e", "a_b_c-d_e"),
        ("你好", "subagent"),
        ("x" * 80, "x" * 64),
    ],
)
def test_tools_have_names_that_providers_accept(name, expected) -> None:
    assert tool_name(name) == expected


def test_a_free_name_is_found() -> None:
    assert free_name("done", ()) == "done"
    assert free_name("done", ("done", "done_2")) == "done_3"
