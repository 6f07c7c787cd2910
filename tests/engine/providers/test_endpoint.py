"""Addresses as users enter them."""

import pytest

from custom_components.rtvoice.engine.errors import ConfigurationError
from custom_components.rtvoice.engine.providers.openai.dialect import OPENAI, TIMEOUTS
from custom_components.rtvoice.engine.providers.openai.endpoint import Endpoint


def endpoint(base_url: str) -> Endpoint:
    return Endpoint.at(base_url, OPENAI, timeouts=TIMEOUTS)


@pytest.mark.parametrize(
    ("base_url", "realtime", "models"),
    [
        ("https://api.openai.com/v1", "wss://api.openai.com/v1/realtime?model=m", "https://api.openai.com/v1/models"),
        ("https://api.openai.com/v1/", "wss://api.openai.com/v1/realtime?model=m", "https://api.openai.com/v1/models"),
        (" wss://api.x.ai/v1/realtime ", "wss://api.x.ai/v1/realtime?model=m", "https://api.x.ai/v1/models"),
        ("ws://h:8080/v1/realtime/", "ws://h:8080/v1/realtime?model=m", "http://h:8080/v1/models"),
        ("http://h:8080", "ws://h:8080/v1/realtime?model=m", "http://h:8080/v1/models"),
        ("http://h:8080/", "ws://h:8080/v1/realtime?model=m", "http://h:8080/v1/models"),
        ("http://h/realtime", "ws://h/realtime?model=m", "http://h/models"),
        (
            "http://[::1]:8080/a%20b/v1",
            "ws://[::1]:8080/a%20b/v1/realtime?model=m",
            "http://[::1]:8080/a%20b/v1/models",
        ),
        (
            "https://h/v1?key=a%26b&model=x",
            "wss://h/v1/realtime?key=a%26b&model=m",
            "https://h/v1/models?key=a%26b&model=x",
        ),
        ("https://h/v1#part", "wss://h/v1/realtime?model=m", "https://h/v1/models"),
    ],
)
def test_paths_are_put_together(base_url, realtime, models) -> None:
    assert str(endpoint(base_url).realtime("m")) == realtime
    assert str(endpoint(base_url).models()) == models


def test_a_model_may_have_any_name() -> None:
    assert endpoint("http://h/v1").realtime("a b&c=d/e").query["model"] == "a b&c=d/e"


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        f"http://xn--{'a' * 71}.invalid/v1",
        "api.openai.com/v1",
        "ftp://h/v1",
        "https://",
        "http://h:99999",
        "http://[::1",
        "https://user:pw@h/v1",
        "/v1",
    ],
)
def test_an_address_that_cannot_be_one_is_refused(base_url) -> None:
    with pytest.raises(ConfigurationError):
        endpoint(base_url)
