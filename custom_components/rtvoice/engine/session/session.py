"""One live link between an agent, a satellite and a model: the only place where effects are carried out."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import assert_never

from ..conversation import effects as e
from ..conversation.conversation import Conversation
from ..conversation.facts import Fact, LinkLost, SessionFailed
from ..conversation.items import Item
from ..conversation.settings import ConversationSettings
from ..conversation.values import AgentState, ItemKind, NewItem
from ..errors import DeviceError, EndReason, EngineError, SessionClosedError, SinkError, SourceError
from ..events import SessionEvent
from ..options import Cues, PushToTalk, SessionOptions
from ..ports import Approver, AudioInputDevice, AudioOutputDevice, RealtimeProvider, StreamingOutputDevice, ToolRunner
from ..recording import Recorder
from ..remote_mcp import RemoteApprovals
from .approval_tasks import ApprovalTasks
from .cues import CueSounds
from .decisions import Decisions
from .echo import EchoPath
from .link import Ends, Link
from .playout import Playout
from .sender import Sender
from .supervisor import Supervisor
from .timers import Timers
from .tool_tasks import ToolTasks
from .turn_audio import TurnAudio
from .uplink import Uplink

_LOGGER = logging.getLogger(__name__)

DEVICE_START_S = 10.0
"""A device must open within this time."""
DEVICE_STOP_S = 5.0
"""A device that does not close within this time is left to itself."""


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """How a session ended."""

    reason: EndReason
    error: EngineError | None
    """What made it end, if that was an error."""
    established: bool
    """Whether audio ever flowed; if not, `error` made the session impossible."""
    messages: tuple[Item, ...]
    recording: Path | None = None


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """What keeps a session within bounds."""

    inactivity_timeout_s: float | None = None
    """Silence that ends it."""
    max_length_s: float | None = None
    """Time after which it ends as soon as it is quiet."""
    compact_above_tokens: int | None = None
    """Tokens read for one response above which old turns are replaced by their text."""
    echo_cancellation: bool = False
    half_duplex: bool = False
    """Whether the microphone is closed while the agent speaks."""


class Session:
    """Runs a conversation: facts go in, effects are carried out, nothing is left behind.

    The first of `providers` is used; the others stand in when it is out of credit, refuses or stays unreachable. A
    session is used once. `publish` is called with every event, in order, and must not block. `approver` decides about
    calls that the provider makes by itself; without one it is the settings of each MCP server that do.
    """

    def __init__(
        self,
        *,
        providers: Sequence[RealtimeProvider],
        options: SessionOptions,
        source: AudioInputDevice,
        sink: AudioOutputDevice,
        tools: ToolRunner,
        approver: Approver | None = None,
        publish: Callable[[SessionEvent], None],
        history: tuple[NewItem, ...] = (),
        limits: SessionLimits = SessionLimits(),
        recording_path: Path | None = None,
        cues: Cues | None = None,
    ) -> None:
        capabilities = providers[0].capabilities
        finish_stream = sink.finish_stream if isinstance(sink, StreamingOutputDevice) else None
        self._finish_stream = finish_stream
        self._cues = CueSounds(cues, capabilities.output_rate_hz)
        self._echo = EchoPath(capabilities.input_rate_hz) if limits.echo_cancellation else None
        sink = sink if self._echo is None else self._echo.listen(sink)
        self._source = source
        self._sink = sink
        self._tools = tools
        self._approver = approver or RemoteApprovals(options.mcp_servers)
        self._publish = publish
        self._over = False
        self._timers = Timers(self.post)
        self._conversation = Conversation(
            ConversationSettings(
                capabilities=capabilities,
                instructions=options.instructions,
                push_to_talk=isinstance(options.turn_detection, PushToTalk),
                answers_turns=options.answers_turns,
                inactivity_timeout_s=limits.inactivity_timeout_s,
                history=history,
                tools=options.tools,
                half_duplex=limits.half_duplex,
                streams=finish_stream is not None,
                max_length_s=limits.max_length_s,
                compact_above_tokens=limits.compact_above_tokens,
                cues=self._cues.on_demand,
            )
        )
        self._recorder = recorder = (
            None
            if recording_path is None
            else Recorder(
                recording_path,
                microphone_rate_hz=capabilities.input_rate_hz,
                speaker_rate_hz=capabilities.output_rate_hz,
                on_failure=publish,
            )
        )
        self._uplink = Uplink(
            source,
            capabilities.input_rate_hz,
            record=recorder.microphone if recorder else None,
            process=self._echo.clean if self._echo else None,
        )
        self._sender = Sender(self._uplink.turn_sent, self._uplink.mark)
        self._playout = Playout(
            sink,
            capabilities.output_rate_hz,
            self.post,
            record=recorder.speaker if recorder else None,
            finish_stream=finish_stream,
        )
        self._decisions = Decisions(self._receive, clear=partial(self._guard, self._playout.clear))
        self._turn_audio = TurnAudio()
        self._source_open = asyncio.Event()
        self._sink_open = asyncio.Event()
        ends = Ends(self._decisions, self._uplink, self._sender, self._devices_open)
        self._link = Link(Supervisor(providers), options, ends)

    @property
    def state(self) -> AgentState:
        """What the agent is doing."""
        return self._conversation.state

    @property
    def messages(self) -> tuple[Item, ...]:
        """What was said so far."""
        return self._conversation.messages()

    @property
    def input_level_dbfs(self) -> float:
        """Level of the microphone's last frame."""
        return self._uplink.level_dbfs

    def post(self, fact: Fact) -> None:
        """Let the conversation know something; callable at any time, from the loop's thread."""
        self._decisions.post(fact)

    async def wait_composed(self) -> None:
        """Wait until there is no more to say for now and the speaker was given all of it, heard or not.

        Facts that were posted before count. Raises SessionClosedError when the session ends before.
        """
        while not self._over:
            if self._decisions.waiting or self._conversation.composing:
                await self._decisions.settled()
            elif not self._playout.given:
                await self._playout.wait_given()
            else:
                return
        raise SessionClosedError(EndReason.STOPPED)

    async def run(self) -> SessionEnd:
        """Connect, converse, and return when the conversation is over. Never raises an EngineError."""
        if self._recorder is not None:
            self._recorder.start(asyncio.get_running_loop().time())
        recording = None
        try:
            async with asyncio.TaskGroup() as tasks:
                works: dict[str, Callable[[], Awaitable[None]]] = {
                    "link": self._link.run,
                    "capture": self._capture,
                    "playout": self._play,
                }
                workers = [tasks.create_task(self._guard(work), name=f"rtvoice {name}") for name, work in works.items()]
                tool_tasks = ToolTasks(self._tools, tasks, self._decisions.take)
                approval_tasks = ApprovalTasks(self._approver, tasks, self.post)
                close = await self._decisions.run(partial(self._carry_out, tool_tasks, approval_tasks))
                tool_tasks.cancel_all()
                approval_tasks.cancel_all()
                for worker in workers:
                    worker.cancel()
                if self._sink_open.is_set():
                    # What the speaker was given ahead of its time is not to be heard while tools linger.
                    await self._guard(self._fall_silent)
            if self._sink_open.is_set():
                failed = close.error is not None
                await self._cues.play_last(self._sink, failed=failed, finish_stream=self._finish_stream)
        finally:
            self._over = True
            self._decisions.end()
            self._timers.close()
            await self._stop_devices()
            if self._echo is not None:
                await self._echo.close()
            if self._recorder is not None:
                recording = await self._recorder.close()
        return SessionEnd(close.reason, close.error, self._link.established, self._conversation.messages(), recording)

    # --- the tasks ----------------------------------------------------------------------------------------------------

    async def _devices_open(self) -> None:
        await self._source_open.wait()
        await self._sink_open.wait()

    async def _capture(self) -> None:
        await _open(self._source, SourceError("The microphone did not open in time"))
        self._source_open.set()
        await self._uplink.capture()

    async def _play(self) -> None:
        await self._cues.prepare()
        await _open(self._sink, SinkError("The speaker did not open in time"))
        if (first := self._cues.first) is not None:
            self._playout.sound(first)
        self._sink_open.set()
        await self._playout.run()

    async def _fall_silent(self) -> None:
        try:
            async with asyncio.timeout(DEVICE_STOP_S):
                await self._playout.clear()
        except TimeoutError:
            _LOGGER.debug("The speaker does not fall silent")

    async def _guard(self, work: Callable[[], Awaitable[None]]) -> None:
        """Turn the failure of a task into a fact, so that the conversation decides what comes of it."""
        try:
            await work()
        except EngineError as err:
            self.post(SessionFailed(err))
        except Exception as err:
            _LOGGER.exception("A task of the session failed unexpectedly")
            unexpected = EngineError(f"Unexpected {type(err).__name__}")
            unexpected.__cause__ = err
            self.post(SessionFailed(unexpected))

    # --- the effects --------------------------------------------------------------------------------------------------

    def _receive(self, fact: Fact) -> list[e.Effect]:
        now_s = asyncio.get_running_loop().time()
        if (effects := self._conversation.go_on(fact, now_s)) is not None:
            return effects
        if isinstance(fact, LinkLost):
            self._sender.renew()
        return self._conversation.receive(fact, self._playout.position(), now_s)

    def _carry_out(self, tool_tasks: ToolTasks, approval_tasks: ApprovalTasks, effect: e.Effect) -> None:
        match effect:
            # What there is most of comes first.
            case e.Publish():
                self._publish(effect.event)
            case e.Play():
                self._playout.play(effect.item_id, effect.content_index, effect.pcm)
            case e.PlayCue():
                self._playout.sound(self._cues.pcm(effect.cue))
            case e.FinishPlayout():
                self._playout.finish()
            case e.StartTool() | e.CancelTool() | e.AskApproval() | e.DropApproval():
                _act_on_tools(effect, tool_tasks, approval_tasks)
            case e.ArmTimer() | e.DisarmTimer() | e.RollOver():
                self._act(effect)
            case e.GateInput() | e.HoldInput() | e.MarkSpeechEnd() | e.EndTurn() | e.KeepTurn() | e.ForgetCommit():
                self._act_on_input(effect)
            case e.DropTurn() | e.RecallTurn():
                self._act_on_turn(effect)
            case e.ClearPlayout() | e.Close():
                raise AssertionError(f"{effect} takes its time")
            case _:
                self._command(effect)

    def _act(self, effect: e.ArmTimer | e.DisarmTimer | e.RollOver) -> None:
        match effect:
            case e.ArmTimer():
                self._timers.arm(effect.timer, effect.after_s)
            case e.DisarmTimer():
                self._timers.disarm(effect.timer)
            case e.RollOver():
                self._link.roll_over()
            case _:
                assert_never(effect)

    def _act_on_input(
        self, effect: e.GateInput | e.HoldInput | e.MarkSpeechEnd | e.EndTurn | e.KeepTurn | e.ForgetCommit
    ) -> None:
        match effect:
            case e.GateInput():
                self._uplink.gate(open=effect.open, recall_s=effect.recall_s)
            case e.HoldInput():
                self._uplink.hold()
            case e.KeepTurn():
                self._turn_audio.keep(effect.item_id, self._uplink.release())
            case e.MarkSpeechEnd():
                self._uplink.mark_speech_end(effect.ago_s)
            case e.EndTurn():
                self._uplink.end_turn()
            case e.ForgetCommit():
                self._uplink.unmark()
            case _:
                assert_never(effect)

    def _act_on_turn(self, effect: e.DropTurn | e.RecallTurn) -> None:
        match effect:
            case e.DropTurn():
                self._turn_audio.drop(effect.item_id)
            case e.RecallTurn():
                if (pcm := self._turn_audio.get(effect.item_id)) is not None:
                    self._sender.put(e.AddItem(NewItem(ItemKind.USER_MESSAGE, "", item_id=effect.item_id, audio=pcm)))
            case _:
                assert_never(effect)

    def _command(self, command: e.ModelCommand | e.OpenInput) -> None:
        if isinstance(command, e.UpdateSession):
            self._link.options = _updated(self._link.options, command)
        self._sender.put(command)

    async def _stop_devices(self) -> None:
        """Close both devices, whatever state they are in; neither keeps the other or the session from ending."""
        for device in (self._source, self._sink):
            try:
                async with asyncio.timeout(DEVICE_STOP_S):
                    await device.stop()
            except (EngineError, OSError) as err:
                _LOGGER.warning("An audio device did not close cleanly: %r", err)


def _act_on_tools(effect: e.ToolEffect, tool_tasks: ToolTasks, approval_tasks: ApprovalTasks) -> None:
    match effect:
        case e.StartTool():
            tool_tasks.start(effect.call)
        case e.CancelTool():
            tool_tasks.cancel(effect.call_id)
        case e.AskApproval():
            approval_tasks.start(effect.request)
        case e.DropApproval():
            approval_tasks.cancel(effect.request_id)
        case _:
            assert_never(effect)


async def _open(device: AudioInputDevice | AudioOutputDevice, too_late: DeviceError) -> None:
    try:
        async with asyncio.timeout(DEVICE_START_S):
            await device.start()
    except TimeoutError as err:
        raise too_late from err


def _updated(options: SessionOptions, change: e.UpdateSession) -> SessionOptions:
    """Return what a link made anew is set up with."""
    fields = {"speech_speed": change.speech_speed, "tools": change.tools}
    return options.model_copy(update={name: value for name, value in fields.items() if value is not None})
