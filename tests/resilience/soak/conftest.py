"""How long it is talked, by how many; give this folder to pytest with the options."""

from dataclasses import dataclass

import pytest


@dataclass(frozen=True, slots=True)
class Size:
    """How much a soak is."""

    sessions: int
    minutes: float
    seed: int


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("soak", "sessions over a long time")
    group.addoption("--soak-sessions", type=int, help="how many sessions there are side by side")
    group.addoption("--soak-minutes", type=float, help="how many minutes of virtual time they last")
    group.addoption("--soak-seed", type=int, help="what chance begins with")
    group.addoption("--soak-real", type=float, help="talk to a simulator in a process of its own for so many minutes")


def chosen[T](request: pytest.FixtureRequest, name: str, otherwise: T) -> T:
    """What an option says; it is not even known when the folder was not named."""
    value: T | None = request.config.getoption(name, default=None)
    return otherwise if value is None else value


@pytest.fixture
def size(request) -> Size:
    return Size(
        chosen(request, "--soak-sessions", 50),
        chosen(request, "--soak-minutes", 0.7),
        chosen(request, "--soak-seed", 1),
    )


@pytest.fixture
def real_size(request) -> Size:
    minutes = chosen(request, "--soak-real", 0.0)
    if not minutes:
        pytest.skip("takes real time: give --soak-real MINUTES")
    return Size(chosen(request, "--soak-sessions", 20), minutes, chosen(request, "--soak-seed", 1))
