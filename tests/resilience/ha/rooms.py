"""Rooms of one house: in each, an agent with its own account and provider, in a session at one stage."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, override

import pytest
from homeassistant.config_entries import ConfigSubentryDataWithId
from homeassistant.const import CONF_API_KEY, CONF_LLM_HASS_API
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import llm
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rtvoice.bridge.places import local
from custom_components.rtvoice.const import (
    CONF_BASE_URL,
    CONF_INPUT,
    CONF_KIND,
    CONF_OUTPUT,
    CONF_PROVIDER,
    DOMAIN,
    FILE_PREFIX,
    KIND_LOCAL,
    PROVIDER_OPENAI,
    SUBENTRY_AGENT,
    SUBENTRY_SATELLITE,
)
from custom_components.rtvoice.engine.conversation import recovery
from custom_components.rtvoice.engine.devices import FileOutput
from custom_components.rtvoice.engine.options import RealtimeModel
from custom_components.rtvoice.flows.defaults import default_agent
from simulator import Behaviour, Call, Plan, Simulator
from simulator.plan import Context
from tests.ha.house import entity_of, happenings, heard_from, speak_into, state_of, states_seen
from tests.resilience.faults.scene import ANSWER, FIRST, KEY, PATIENCE_S, SECOND, SECOND_ANSWER, Brain
from tests.resilience.faults.stages import HOLDS, Stage, held
from tests.resilience.proxy import Proxy

type Response = Mapping[str, Any] | HomeAssistantError

RATE_HZ = 24_000
TAIL_S = 0.15
"""A speaker has been given so much that it cannot be called back, and a slow machine takes a moment to do so."""
LAST = (Stage.USER_SPEAKING, Stage.SPEAKING, Stage.STOPPING)
"""Stages that are over by themselves after a while."""


class Mouth(FileOutput):
    """A speaker that is given audio a second ahead, as pages are, and that may take its time to stop.

    While it does so it plays no more of what it was given.
    """

    rooms: dict[Path, Room] = {}  # noqa: RUF012 - which room a speaker is in is known by its file only

    def __init__(self, path: str | Path, sample_rate: int = RATE_HZ) -> None:
        super().__init__(path, sample_rate)
        self._capacity_bytes = 2 * sample_rate
        self._room = self.rooms[Path(path)]

    @override
    async def start(self) -> None:
        await super().start()
        self._room.mouth, self._room.mouth_began_s = self, asyncio.get_running_loop().time()

    @override
    async def stop(self) -> None:
        if self._room.mouth is self:
            await self.clear_buffer()
            self._room.mouth_closes.set()
            await self._room.mouth_may_close.wait()
        await super().stop()


class Helper(Brain):
    """Sees to something before it answers the second question, where it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.errand: Call | None = None

    @override
    def _answer(self, context: Context) -> Plan:
        words = [item.words for item in context.items if item.role == "user"]
        if self.errand is not None and words[-1:] == [SECOND]:
            errand, self.errand = self.errand, None
            return Plan((errand,))
        return super()._answer(context)


class Room:
    """One agent with one satellite whose sound card is two files, and its own account at its own provider."""

    def __init__(
        self, hass: HomeAssistant, stage: Stage, folder: Path, *more: ConfigSubentryDataWithId, **agent: object
    ) -> None:
        self.hass = hass
        self._more = more
        self.stage = stage
        self.agent_id, self.satellite_id = f"agent_{stage.name}", f"satellite_{stage.name}"
        self.brain = Helper()
        self.tool = _register_tool(hass, stage)
        self.call = Call(self.tool.name)
        """What is called at the stage "in a tool"; `called` says whether it runs."""
        self.called: Callable[[], bool] = self.tool.called.is_set
        self.microphone = folder / f"microphone {stage.value}.wav"
        self.speaker = folder / f"{stage.name}.wav"
        self.mouth: Mouth | None = None
        """The speaker of the session that runs, or ran last."""
        self.mouth_began_s = 0.0
        self.mouth_closes = asyncio.Event()
        """Set when it is told to stop."""
        self.mouth_may_close = asyncio.Event()
        """Set when it may have stopped."""
        self.mouth_may_close.set()
        self.befallen_s = 0.0
        """When the fault befell the session, in seconds of its speaker."""
        self.stopping: asyncio.Task[None] | None = None
        self.began_on = dt_util.now().date()
        """The day by the clock."""
        self.log: pytest.LogCaptureFixture | None = None
        self.waiting: asyncio.Task[Response] | None = None
        """The call of `rtvoice.start`, which waits for the end of the session."""
        self._agent = agent
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        assert await async_setup_component(self.hass, DOMAIN, {})
        behaviour = Behaviour(semantic_silence_ms=dict.fromkeys(("low", "medium", "high", "auto"), 200))
        self.simulator = await self._stack.enter_async_context(Simulator(self.brain, api_key=KEY, behaviour=behaviour))
        port = int(self.simulator.base_url.rpartition(":")[2].partition("/")[0])
        self.proxy = await self._stack.enter_async_context(Proxy(port))
        self._speak(1.5 if self.stage is Stage.USER_SPEAKING else 0.4 if self.stage.asked else 0)
        self.entry = self._entry()
        self.entry.add_to_hass(self.hass)
        Mouth.rooms[self.speaker] = self
        assert await self.hass.config_entries.async_setup(self.entry.entry_id)
        self.statuses = states_seen(self.hass, self._status_id)[self._status_id]
        """All that the sensor `status` has shown."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.let_go()
        if self.hass.state is not CoreState.stopped:
            await self.hass.config_entries.async_remove(self.entry.entry_id)
        tasks = [task for task in (self.waiting, self.stopping) if task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=5)
        del Mouth.rooms[self.speaker]
        await self._stack.aclose()

    # --- what is seen -------------------------------------------------------------------------------------------------

    @property
    def satellite(self) -> str:
        """Entity id of the satellite."""
        entity_id = er.async_get(self.hass).async_get_entity_id("assist_satellite", DOMAIN, self.satellite_id)
        assert entity_id is not None
        return entity_id

    @property
    def happened(self) -> list[str]:
        """What the satellite's activity has told since the session was asked for."""
        return [str(one["event_type"]) for one in self.told]

    @property
    def failures(self) -> list[object]:
        """The errors among it."""
        return [one["error_type"] for one in self.told if one["event_type"] == "error"]

    @property
    def status(self) -> str:
        """What the session is about."""
        return self.sensor("status")

    @property
    def _status_id(self) -> str:
        return entity_of(self.hass, "sensor", self.satellite_id, "status")

    def sensor(self, key: str, subentry_id: str | None = None) -> str:
        """State of a sensor of the satellite, or of the agent."""
        return state_of(self.hass, entity_of(self.hass, "sensor", subentry_id or self.satellite_id, key)).state

    def shows(self, key: str) -> bool:
        """Whether a binary sensor of the satellite is on."""
        return state_of(self.hass, entity_of(self.hass, "binary_sensor", self.satellite_id, key)).state == "on"

    @property
    def holds(self) -> bool:
        """Whether the stage that was reached has not passed."""
        assert self.waiting is not None
        waits = self.proxy.line.held.is_set() and not self.proxy.released.is_set()
        match self.stage:
            case Stage.CONNECTING | Stage.CONFIGURING:
                there = self.status == "connecting" and waits
            case Stage.LISTENING:
                there = self.status == "listening" and self.shows("session")
            case Stage.USER_SPEAKING:
                there = self.shows("user_speaking")
            case Stage.THINKING:
                there = self.status == "thinking" and waits
            case Stage.SPEAKING:
                there = self.audible and self.shows("assistant_speaking")
            case Stage.IN_A_TOOL:
                there = self.called() and "tool_called" not in self.happened and "tool_failed" not in self.happened
            case Stage.ROLLOVER:
                there = len(self.proxy.links) == 2 and waits
            case Stage.STOPPING:
                assert self.stopping is not None
                there = self.mouth_closes.is_set() and not self.stopping.done()
        return there and not self.waiting.done()

    @property
    def audible(self) -> bool:
        """Whether there is something to be heard."""
        return self.mouth is not None and self.mouth.is_playing

    @property
    def audible_until_s(self) -> float:
        """When something was heard last in the session that has ended, in seconds of its speaker."""
        return len(heard_from(self.speaker).rstrip(b"\0")) / (2 * RATE_HZ)

    def offered(self) -> list[set[str]]:
        """The tools that the provider was told of, in each of the settings that it was sent."""
        sent = [event["session"] for event in self.simulator.client_events if event["type"] == "session.update"]
        return [{tool["name"] for tool in session["tools"]} for session in sent if "tools" in session]

    def results(self) -> list[str]:
        """What the provider was told of tool calls."""
        created = [one["item"] for one in self.simulator.client_events if one["type"] == "conversation.item.create"]
        return [item["output"] for item in created if item["type"] == "function_call_output"]

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until it is so. Fails if that takes too long."""
        ends = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > ends:
                events = [event["type"] for event in self.simulator.server_events][-6:]
                raise AssertionError(f"{self.stage.value}: never came to {what}; {self.status}, {events}")
            await asyncio.sleep(0.01)

    # --- what is done -------------------------------------------------------------------------------------------------

    async def act(self, action: str, **fields: object) -> None:
        """An action at the satellite."""
        await self.hass.services.async_call(DOMAIN, action, {"entity_id": self.satellite, **fields}, blocking=True)

    async def reach(self) -> None:
        """Start a session and bring it to the room's stage."""
        self.told = happenings(self.hass, entity_of(self.hass, "event", self.satellite_id, "activity"))
        rollover = held("session.updated", line=1) if self.stage is Stage.ROLLOVER else None
        self.proxy.hold = HOLDS[self.stage]() if self.stage in HOLDS else rollover
        if self.stage is Stage.IN_A_TOOL:
            self.brain.tool = self.call
        self.waiting = self.hass.async_create_task(self._session())
        match self.stage:
            case Stage.CONNECTING | Stage.CONFIGURING:
                await self.until(lambda: bool(self.proxy.links) and self.proxy.line.held.is_set(), "the greeting")
            case Stage.USER_SPEAKING:
                await self.until(lambda: self.shows("user_speaking"), "speech")
            case Stage.THINKING:
                await self.until(lambda: self.sensor("user_transcript") == FIRST, "the user's words")
            case Stage.SPEAKING:
                await self.until(lambda: self.status == "speaking", "speaking")
            case Stage.IN_A_TOOL:
                await self.until(lambda: self.called(), "a tool call")  # noqa: PLW0108 - a test may set another
            case Stage.LISTENING | Stage.STOPPING:
                await self.until(lambda: self.status == "listening", "listening")
            case Stage.ROLLOVER:
                await self.until(lambda: len(self.proxy.links) > 1 and self.proxy.line.held.is_set(), "the rollover")
        if self.stage is Stage.STOPPING:
            self.mouth_may_close.clear()
            self.stopping = self.hass.async_create_task(self.act("stop"))
            await self.until(self.mouth_closes.is_set, "stopping")

    def let_go(self) -> None:
        """Hold nothing back any more: events, tools, the speaker."""
        self.proxy.release()
        self.tool.answers.set()
        self.mouth_may_close.set()

    async def ended(self) -> Response:
        """What `rtvoice.start` has returned or raised."""
        assert self.waiting is not None
        async with asyncio.timeout(PATIENCE_S):
            return await self.waiting

    async def converse(self, errand: Call | None = None) -> None:
        """Another whole turn, in the session that runs."""
        await self.until(lambda: self.status == "listening", "listening")
        self.brain.errand, before = errand, self.happened.count("assistant_turn")
        await self.act("send_message", text=SECOND)
        await self.until(lambda: self.happened.count("assistant_turn") > before, "an answer")
        assert self.sensor("assistant_transcript") == SECOND_ANSWER

    async def part(self) -> None:
        """Stop the session when the answer was heard: what it has used is known when it is complete."""
        await self.until(lambda: self.status == "listening", "listening")
        await self.act("stop")

    async def begin_anew(self) -> None:
        """A session can be had again, and hears."""
        self._speak(0.4)
        self.brain.tool = None
        await self.act("start")
        await self.until(lambda: self.sensor("assistant_transcript") == ANSWER, "an answer")
        await self.act("stop")

    async def _session(self) -> Response:
        self.brain.words = FIRST
        call = {"entity_id": self.satellite}
        try:
            response = await self.hass.services.async_call(DOMAIN, "start", call, blocking=True, return_response=True)
        except HomeAssistantError as err:
            return err
        assert response is not None
        return response

    def _speak(self, seconds: float) -> None:
        speak_into(self.microphone, pause_s=0.2, seconds=seconds)

    def _place(self) -> dict[str, object]:
        """What the satellite hears and speaks with."""
        ears, mouth = (f"{FILE_PREFIX}{path}" for path in (self.microphone, self.speaker))
        return {CONF_KIND: KIND_LOCAL, CONF_INPUT: ears, CONF_OUTPUT: mouth}

    def _entry(self) -> MockConfigEntry:
        address = f"http://127.0.0.1:{self.proxy.port}/v1"
        account = {CONF_PROVIDER: PROVIDER_OPENAI, CONF_BASE_URL: address, CONF_API_KEY: KEY}
        options = default_agent(PROVIDER_OPENAI, RealtimeModel.GPT_REALTIME_2_1_MINI.value)
        agent = {**options, CONF_LLM_HASS_API: [self.tool.name], **self._agent}
        subentries = (
            subentry(self.agent_id, SUBENTRY_AGENT, agent),
            subentry(self.satellite_id, SUBENTRY_SATELLITE, self._place()),
            *self._more,
        )
        return MockConfigEntry(domain=DOMAIN, title=self.stage.value, data=account, subentries_data=subentries)


@asynccontextmanager
async def rooms(
    hass: HomeAssistant,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *more: ConfigSubentryDataWithId,
    kind: type[Room] = Room,
    prepare: Callable[[Room], Awaitable[None] | None] = lambda _: None,
    **agent: object,
) -> AsyncGenerator[list[Room]]:
    """A room at every stage; each account has `more` subentries as well, and each agent these options."""
    hass.config.allowlist_external_dirs = {str(folder)}
    # Debug mode, which the test plugin chooses, makes everything slow that is to happen in real time.
    hass.loop.set_debug(False)
    monkeypatch.setattr(local, "FileOutput", Mouth)
    async with AsyncExitStack() as stack:
        made = [await stack.enter_async_context(kind(hass, stage, folder, *more, **agent)) for stage in Stage]
        for room in made:
            if (preparing := prepare(room)) is not None:
                await preparing
        moving = next(room for room in made if room.stage is Stage.ROLLOVER)
        with monkeypatch.context() as soon:
            soon.setattr(recovery, "ROLLOVER_BEFORE_S", 3599.0)
            reaching = asyncio.create_task(moving.reach())
            await moving.until(lambda: moving.status == "listening", "listening")
        early = [room for room in made if room is not moving and room.stage not in LAST]
        await asyncio.gather(reaching, *(room.reach() for room in early))
        await asyncio.gather(*(room.reach() for room in made if room.stage in LAST))
        yield made


def befall(all_rooms: list[Room]) -> None:
    """Now it happens: every session is at its stage still."""
    now_s = all_rooms[0].hass.loop.time()
    for room in all_rooms:
        assert room.holds, f"{room.stage.value} has passed: {room.status}, {room.happened}"
        room.befallen_s = now_s - room.mouth_began_s


class _WaitingTool(llm.Tool):
    """Has its result when it is told to."""

    integration = "waiting"

    def __init__(self, name: str) -> None:
        self.name = name
        self.called = asyncio.Event()
        self.answers = asyncio.Event()

    async def async_call(
        self, hass: HomeAssistant, tool_input: llm.ToolInput, llm_context: llm.LLMContext
    ) -> llm.ToolResult:
        self.called.set()
        await self.answers.wait()
        return llm.ToolResult({})


def _register_tool(hass: HomeAssistant, stage: Stage) -> _WaitingTool:
    tool = _WaitingTool(f"look_up_{stage.name.lower()}")

    class WaitingAPI(llm.API):
        async def async_get_api_instance(self, llm_context: llm.LLMContext) -> llm.APIInstance:
            return llm.APIInstance(self, "", llm_context, [tool])

    llm.async_register_api(hass, WaitingAPI(hass=hass, id=tool.name, name=tool.name))
    return tool


def subentry(subentry_id: str, kind: str, data: Mapping[str, Any]) -> ConfigSubentryDataWithId:
    return ConfigSubentryDataWithId(
        subentry_id=subentry_id, subentry_type=kind, title=subentry_id, data=dict(data), unique_id=None
    )
