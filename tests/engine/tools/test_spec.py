import math

import pytest

from custom_components.rtvoice.engine.conversation.values import ToolDefinition
from custom_components.rtvoice.engine.tools.spec import ToolSpec


@pytest.mark.parametrize("name", ["a", "get", "turn_on-2", "A" * 64])
def test_good_names(name: str) -> None:
    assert ToolSpec(ToolDefinition(name, "")).name == name


@pytest.mark.parametrize("name", ["", "a b", "light.turn_on", "Küche", "A" * 65, "a\n", "<lambda>"])
def test_bad_names(name: str) -> None:
    with pytest.raises(ValueError, match="no name for a tool"):
        ToolSpec(ToolDefinition(name, ""))


@pytest.mark.parametrize("timeout_s", [0, -1, math.nan, -math.inf])
def test_bad_timeouts(timeout_s: float) -> None:
    with pytest.raises(ValueError, match="timeout"):
        ToolSpec(ToolDefinition("a", ""), timeout_s=timeout_s)


def test_infinite_timeout() -> None:
    assert ToolSpec(ToolDefinition("a", ""), timeout_s=math.inf).timeout_s == math.inf
