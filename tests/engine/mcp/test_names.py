import re

from hypothesis import given
from hypothesis import strategies as st

from custom_components.rtvoice.engine.mcp.names import Names


def test_a_name_is_kept_once_it_is_given() -> None:
    names = Names()
    plain = names.name(0, "weather", "get forecast")
    assert plain == "weather_get_forecast"
    other = names.name(0, "weather", "get.forecast")
    assert re.fullmatch(r"weather_get_forecast_[0-9a-f]{8}", other)
    assert names.name(0, "renamed", "get forecast", {plain}) == plain
    assert names.name(1, "weather", "get forecast") not in {plain, other}


def test_names_without_a_usable_character_are_names() -> None:
    assert Names().name(0, "", "…") == "tool"
    assert Names().name(0, "", "a") == "a"


@given(st.lists(st.tuples(st.integers(0, 2), st.text(max_size=80), st.text(max_size=80)), max_size=20))
def test_names_are_valid_and_unique(wanted) -> None:
    names = Names()
    given_names = {(number, tool): names.name(number, server, tool, {"a_b"}) for number, server, tool in wanted}
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in given_names.values())
    assert len(set(given_names.values())) == len(given_names)
    assert "a_b" not in given_names.values()
