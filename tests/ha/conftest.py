"""Fixtures for tests that go through Home Assistant."""

import logging
import sys
import wave
from collections.abc import AsyncGenerator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from homeassistant.config_entries import ConfigSubentryDataWithId
from homeassistant.const import CONF_API_KEY
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator, WebSocketGenerator

from custom_components.rtvoice.const import (
    CONF_BASE_URL,
    CONF_DIALECT,
    CONF_INPUT,
    CONF_KIND,
    CONF_OUTPUT,
    CONF_PROVIDER,
    DEFAULT_AGENT_NAME,
    DEFAULT_SATELLITE_NAME,
    DOMAIN,
    FILE_PREFIX,
    KIND_LOCAL,
    PROVIDER_COMPATIBLE,
    SUBENTRY_AGENT,
    SUBENTRY_SATELLITE,
)
from custom_components.rtvoice.engine.options import RealtimeModel
from custom_components.rtvoice.flows.account import account_id
from custom_components.rtvoice.flows.defaults import default_agent
from simulator import ScriptedBrain, Simulator
from tests.engine.subagents.conftest import chat_server  # noqa: F401 - a fixture
from tests.official import ClientEvents

from .browser import PHONE_ID, TABLET, Commands, Page, add_browser
from .house import loaded

# The test plugin has every statement of the recorder written down, beside the results of the tests.
logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)

API_KEY = "sk-simulated-0123456789"
AGENT_ID = "agent_one"
SATELLITE_ID = "satellite_one"


@pytest.fixture(autouse=True)
async def home(hass: HomeAssistant, enable_custom_integrations: None) -> None:
    """Home Assistant as it is before any integration: its core is set up, and it finds the integration."""
    assert await async_setup_component(hass, "homeassistant", {})


class SoundLibrary(ModuleType):
    """Stands in for sounddevice on a machine without a sound card, until one is plugged in; nothing can be opened."""

    def __init__(self) -> None:
        super().__init__("sounddevice")
        self.devices: list[dict[str, Any]] = []
        self.default = SimpleNamespace(device={"input": 0, "output": 1})

    def plug_in(self, name: str, *, inputs: int = 0, outputs: int = 0) -> None:
        """Add a microphone or a speaker."""
        device = {
            "index": len(self.devices),
            "name": name,
            "max_input_channels": inputs,
            "max_output_channels": outputs,
            "default_samplerate": 48_000.0,
        }
        self.devices.append(device)

    def query_devices(self) -> list[dict[str, Any]]:
        """What is plugged in."""
        return self.devices

    def _initialize(self) -> None:
        """Look again."""

    def _terminate(self) -> None:
        """Stop looking."""


@pytest.fixture(autouse=True)
def sound_library(monkeypatch: pytest.MonkeyPatch) -> SoundLibrary:
    """No test in here hears or speaks through this machine's own sound card."""
    library = SoundLibrary()
    monkeypatch.setitem(sys.modules, "sounddevice", library)
    return library


@pytest.fixture
def sound_card(sound_library: SoundLibrary) -> None:
    """The machine has a microphone and a speaker."""
    sound_library.plug_in("Desk microphone", inputs=1)
    sound_library.plug_in("Desk speaker", outputs=2)


@pytest.fixture
def brain() -> ScriptedBrain:
    """What the simulator says."""
    return ScriptedBrain()


@pytest.fixture
async def simulator(socket_enabled: None, brain: ScriptedBrain) -> AsyncGenerator[Simulator]:
    """A Realtime API server that wants API_KEY; no client of it may do what a correct one never does."""
    check = ClientEvents()
    async with Simulator(brain, api_key=API_KEY, on_client_event=check) as simulator:
        yield simulator
    assert simulator.violations == []
    assert check.problems == []


@pytest.fixture
def microphone(tmp_path: Path) -> Path:
    """What the file satellite of `mock_entry` hears: a second of silence, unless a test writes something else."""
    path = tmp_path / "microphone.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24_000)
        file.writeframes(bytes(48_000))
    return path


@pytest.fixture
def speaker(tmp_path: Path) -> Path:
    """Where the file satellite of `mock_entry` speaks to."""
    return tmp_path / "speaker.wav"


@pytest.fixture
def mock_entry(
    hass: HomeAssistant, simulator: Simulator, tmp_path: Path, microphone: Path, speaker: Path
) -> MockConfigEntry:
    """An account at the simulator with one agent, and one satellite whose sound card is two files; not set up."""
    hass.config.allowlist_external_dirs = {str(tmp_path)}
    account = {
        CONF_PROVIDER: PROVIDER_COMPATIBLE,
        CONF_BASE_URL: simulator.base_url,
        CONF_API_KEY: API_KEY,
        CONF_DIALECT: "auto",
    }
    agent = ConfigSubentryDataWithId(
        subentry_id=AGENT_ID,
        subentry_type=SUBENTRY_AGENT,
        title=DEFAULT_AGENT_NAME,
        data=default_agent(PROVIDER_COMPATIBLE, RealtimeModel.GPT_REALTIME_2_1_MINI.value),
        unique_id=None,
    )
    satellite = ConfigSubentryDataWithId(
        subentry_id=SATELLITE_ID,
        subentry_type=SUBENTRY_SATELLITE,
        title=DEFAULT_SATELLITE_NAME,
        data={
            CONF_KIND: KIND_LOCAL,
            CONF_INPUT: f"{FILE_PREFIX}{microphone}",
            CONF_OUTPUT: f"{FILE_PREFIX}{speaker}",
        },
        unique_id=None,
    )
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Simulator",
        data=account,
        unique_id=account_id(account),
        subentries_data=(agent, satellite),
    )
    entry.add_to_hass(hass)
    return entry


@pytest.fixture
async def setup_integration(hass: HomeAssistant, mock_entry: MockConfigEntry) -> AsyncGenerator[MockConfigEntry]:
    """`mock_entry`, set up; unloaded at the end if the test has not done so."""
    async with loaded(hass, mock_entry):
        yield mock_entry


@pytest.fixture
async def two_browsers(hass: HomeAssistant, mock_entry: MockConfigEntry) -> AsyncGenerator[MockConfigEntry]:
    """`mock_entry` with two browser satellites more, set up; unloaded at the end if the test has not done so."""
    add_browser(hass, mock_entry)
    add_browser(hass, mock_entry, PHONE_ID, "Phone")
    async with loaded(hass, mock_entry):
        yield mock_entry


@pytest.fixture
async def commands(two_browsers: MockConfigEntry, hass_ws_client: WebSocketGenerator) -> AsyncGenerator[Commands]:
    """An administrator's connection."""
    commands = Commands(await hass_ws_client())
    yield commands
    await commands.close()


@pytest.fixture
async def web(two_browsers: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator) -> TestClient:
    """A browser that has no other leave than the addresses it is given."""
    return await hass_client_no_auth()


@pytest.fixture
async def page(commands: Commands, web: TestClient) -> AsyncGenerator[Page]:
    """An administrator's page with the card, at the tablet."""
    url = (await commands.result("browser/connect", entity_id=TABLET))["url"]
    page = await Page.open(web, url)
    yield page
    await page.leave()
