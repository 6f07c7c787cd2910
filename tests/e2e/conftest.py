"""Real programs for the tests: a sound server, the simulator and Home Assistant, started as the demo starts them."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import pytest_asyncio
import pytest_socket

from demo.home_assistant import PYTHON
from demo.sound import has_virtual_sound_card

from .house import House, open_house

type OpenHouse = Callable[..., AbstractAsyncContextManager[House]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of these tests run on one event loop, that of the house they share."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


def need(is_there: object, what: str) -> None:
    """Skip where a program is missing; in CI, where everything can be installed, fail."""
    if not is_there:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{what} is missing; script/setup says how to get it")


@pytest.fixture(autouse=True)
def verify_cleanup() -> None:
    """Replaces the test plugin's: these tests share one loop and one house, whose tasks and threads live on."""


@pytest.fixture(autouse=True)
def sockets(socket_enabled: None) -> None:
    """The programs are spoken to over loopback."""


@pytest.fixture(scope="session")
def programs() -> None:
    """What every test here needs."""
    need(PYTHON.exists(), "Home Assistant (.venv-demo)")
    need(shutil.which("flite"), "flite")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_house(programs: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A house with a virtual sound card that many tests use one after the other."""
    need(has_virtual_sound_card(), "PulseAudio")
    pytest_socket.enable_socket()
    async with open_house(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="session")
async def house(shared_house: House, sockets: None) -> AsyncIterator[House]:
    """The shared house, as if new; afterwards the test has left no session, and nothing of ours complained."""
    await shared_house.tidy()
    yield shared_house
    await shared_house.no_session()
    shared_house.check()


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser."""
    found = [path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))]
    need(found, "Chromium")
    return found[0]


@pytest.fixture
def own_house(programs: None, sockets: None, tmp_path: Path) -> OpenHouse:
    """Opens a house that a test may wreck."""

    @contextlib.asynccontextmanager
    async def open_own(*, files: bool = False, account: bool = True) -> AsyncIterator[House]:
        async with open_house(tmp_path, files=files, account=account) as house:
            yield house

    return open_own


@pytest.fixture(autouse=True)
def no_debug_loop() -> Generator[None]:
    """The test plugin makes loops slow for debugging, which audio in real time does not bear."""
    yield
    with contextlib.suppress(RuntimeError):
        asyncio.get_running_loop().set_debug(False)
