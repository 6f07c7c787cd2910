"""A realtime voice agent: the engine's front door."""

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Self

from pydantic import ValidationError

from .audio.resample import Resampler
from .backstage import Backstage
from .bus import EventBus
from .conversation.facts import ToolProgressed
from .conversation.user_commands import (
    InterruptAsked,
    MessageSent,
    MuteChanged,
    NoteAdded,
    ResponseAsked,
    SayAsked,
    SpeedChanged,
    StopAsked,
    ToolChoiceChanged,
    ToolsChanged,
    TurnEnded,
    UserCommand,
    WordsLent,
)
from .conversation.values import AgentState, ToolCall, ToolChoice, ToolDefinition, ToolOutcome
from .devices import MicrophoneInput, SpeakerOutput
from .equipment import Equipment, EquipmentOptions
from .errors import EndReason, SessionClosedError, SinkError
from .events import (
    AgentCommand,
    CancelSubAgentCommand,
    InterruptCommand,
    SessionEvent,
    StopAgentCommand,
    UpdateSessionToolsCommand,
    UpdateSpeechSpeedCommand,
    UpdateToolChoiceCommand,
)
from .history import ConversationHistory
from .listener import AgentListener
from .mcp import MCPServer
from .options import (
    Cues,
    NoiseReduction,
    OutputModality,
    RealtimeModel,
    ReasoningEffort,
    SemanticVAD,
    SessionOptions,
    TranscriptionModel,
    Truncation,
    TurnDetection,
)
from .parameters import check_image, clamped, modality, recalled, settings_told, timeout, warn_of_retired
from .ports import AudioInputDevice, AudioOutputDevice, RealtimeProvider, VolumeControl
from .providers import OpenAIProvider
from .remote_mcp import RemoteMCPServer, check_servers
from .results import AgentResult, ConversationTurn
from .run import Run
from .session.session import Session, SessionLimits
from .skills import Skill
from .subagents import SubAgent
from .tools import CallNext, ToolContext, Tools
from .usage import PRICES, PriceList, UsageMeter

EQUIPMENT_PREWARM_S = 10.0


class RealtimeAgent:
    """Hears, acts and speaks: one conversation at a time on one microphone and one speaker.

    All parameters are keywords. `model`, `voice` and `transcription_model` take any string beside their members;
    `transcription_model=None` leaves what the user says unwritten. `speech_speed` is clamped to 0.5 to 1.5. Audio and
    text in `output_modalities` means audio, whose transcript is the text. `noise_reduction=None` turns it off.
    `turn_detection=None` is `SemanticVAD()`; with `answers_turns=False` turns are answered only when `ask` says so. The
    session ends after `inactivity_timeout_seconds` in which nobody spoke, if `inactivity_timeout_enabled`, and at a
    quiet moment after `max_duration_seconds`. When the model had to read more than `compact_above_tokens`, old turns
    are replaced by their text. With `echo_cancellation` what the speaker plays is taken out of what the microphone
    hears; with `half_duplex` the agent does not hear while it speaks, where nothing cancels the echo. `context` is what
    tools get for `Inject[T]` of its type; the tools of `mcp_servers`, hand-offs to `subagents` and `skills` are offered
    beside them. A `RemoteMCPServer` among the former is not connected here: the provider calls its tools by itself.
    `history` is what was said before; it is told to the model, but is no part of the result. With `recording_path` the
    conversation is recorded there, the user left and the agent right. `cues` are sounds that tell what it does, None is
    silence. `prices` are what the cost is reckoned with; a session that has cost more than `budget_usd` ends as soon as
    it is quiet. `fallback_providers` take over, in order, from a provider that is out of credit, refuses the session or
    stays unreachable.

    Raises ValueError for contradictory parameters and ConfigurationError where no provider can be made, or one cannot
    run a `RemoteMCPServer`.
    """

    def __init__(
        self,
        *,
        instructions: str = "",
        model: RealtimeModel | str = RealtimeModel.GPT_REALTIME_2_1_MINI,
        voice: str | None = "marin",
        speech_speed: float = 1.0,
        transcription_model: TranscriptionModel | str | None = TranscriptionModel.GPT_TRANSCRIBE,
        transcription_language: str | None = None,
        output_modalities: Sequence[OutputModality | str] | None = None,
        noise_reduction: NoiseReduction | None = NoiseReduction.FAR_FIELD,
        turn_detection: TurnDetection | None = None,
        answers_turns: bool = True,
        reasoning_effort: ReasoningEffort | None = None,
        max_output_tokens: int | None = None,
        parallel_tool_calls: bool | None = None,
        truncation: Truncation | None = None,
        tools: Tools | None = None,
        mcp_servers: Sequence[MCPServer | RemoteMCPServer] = (),
        subagents: Sequence[SubAgent] = (),
        skills: Sequence[Skill] = (),
        audio_input: AudioInputDevice | None = None,
        audio_output: AudioOutputDevice | None = None,
        context: object = None,
        event_bus: EventBus | None = None,
        listener: AgentListener | None = None,
        inactivity_timeout_seconds: float | None = None,
        inactivity_timeout_enabled: bool = False,
        max_duration_seconds: float | None = None,
        compact_above_tokens: int | None = 24_000,
        half_duplex: bool = False,
        echo_cancellation: bool = False,
        history: Sequence[ConversationTurn] = (),
        recording_path: str | Path | None = None,
        cues: Cues | None = None,
        prices: PriceList = PRICES,
        budget_usd: Decimal | float | None = None,
        provider: RealtimeProvider | None = None,
        fallback_providers: Sequence[RealtimeProvider] = (),
        api_key: str | None = None,
    ) -> None:
        if provider is not None and api_key is not None:
            raise ValueError("Pass either `provider` or `api_key`, not both")
        warn_of_retired(model, transcription_model)
        try:
            self._options = SessionOptions(
                instructions=instructions,
                model=model,
                voice=voice,
                speech_speed=clamped(speech_speed, 0.5),
                transcription_model=transcription_model,
                transcription_language=transcription_language,
                output_modality=modality(output_modalities),
                noise_reduction=noise_reduction,
                turn_detection=turn_detection or SemanticVAD(),
                answers_turns=answers_turns,
                reasoning_effort=reasoning_effort,
                max_output_tokens=max_output_tokens,
                parallel_tool_calls=parallel_tool_calls,
                truncation=truncation,
                mcp_servers=tuple(server for server in mcp_servers if isinstance(server, RemoteMCPServer)),
            )
        except ValidationError as err:
            raise ValueError(str(err)) from err
        timeout_s = timeout(inactivity_timeout_seconds, enabled=inactivity_timeout_enabled)
        self._limits = SessionLimits(
            inactivity_timeout_s=timeout_s,
            max_length_s=max_duration_seconds,
            compact_above_tokens=compact_above_tokens,
            half_duplex=half_duplex,
            echo_cancellation=echo_cancellation,
        )
        self._source = audio_input or MicrophoneInput()
        self._sink = audio_output or SpeakerOutput()
        self._bus = event_bus or EventBus()
        self._listener = listener
        self._earlier = tuple(history)
        self._recording_path = None if recording_path is None else Path(recording_path)
        self._cues, self._prices = cues, prices
        self._budget_usd = None if budget_usd is None else Decimal(str(budget_usd))
        self._provider = provider or OpenAIProvider(api_key)
        self._fallbacks = tuple(fallback_providers)
        for each in (self._provider, *self._fallbacks):
            check_servers(self._options.mcp_servers, each.capabilities)
        self._tools = (tools or Tools()).clone()
        self._context = (self._bus, context, ConversationHistory(lambda: self.turns), self)
        self._tools.set_context(ToolContext(*self._context, self._tools.context))
        self._tools.on_progress = self._on_progress
        own_servers = [server for server in mcp_servers if isinstance(server, MCPServer)]
        options = EquipmentOptions(own_servers, subagents, skills)
        backstage = Backstage(run=lambda: self._run, at_work=lambda: self._equipment.at_work, offer=self._offer)
        self._equipment = Equipment(self._tools, options, backstage)
        if self._equipment.instructions:
            whole = f"{instructions}\n\n{self._equipment.instructions}".strip()
            self._options = self._options.model_copy(update={"instructions": whole})
        self._offered: tuple[ToolDefinition, ...] = ()
        self._shown: frozenset[str] | None = None
        self._tools.use(self._offering_anew)
        self._bus.subscribe(AgentCommand, self._on_command)
        self._muted = False
        self._run: Run | None = None

    @property
    def state(self) -> AgentState:
        """What the agent is doing; IDLE when it does not run."""
        return self._run.state if self._run else AgentState.IDLE

    @property
    def event_bus(self) -> EventBus:
        """Where everything that happens is told, and commands are taken."""
        return self._bus

    @property
    def turns(self) -> tuple[ConversationTurn, ...]:
        """What was said before and in the running session, as far as it was heard."""
        return (*self._earlier, *(self._run.turns if self._run else ()))

    @property
    def volume(self) -> float | None:
        """How loud its speaker plays, from 0 to 1; None where that cannot be changed."""
        return self._sink.volume if isinstance(self._sink, VolumeControl) else None

    async def prewarm(self) -> Self:
        """Do what takes time and can be done before the conversation starts. Never raises; may be repeated."""
        await asyncio.gather(
            self._equipment.start(EQUIPMENT_PREWARM_S),
            self._provider.prewarm(),
            Resampler.prepare(self._source.sample_rate, self._provider.capabilities.input_rate_hz),
            Resampler.prepare(self._provider.capabilities.output_rate_hz, self._sink.sample_rate),
        )
        return self

    async def run(self) -> AgentResult:
        """Converse until the session ends, and return what came of it.

        Raises what made the session impossible: ConfigurationError, AuthenticationError, QuotaExceededError,
        RateLimitedError, ConnectionFailedError or DeviceError. An error later on ends the session with an
        `end_reason`. Raises RuntimeError while the agent is running already.
        """
        if self._run is not None:
            raise RuntimeError("The agent is running already")
        self._run = Run(
            self._session,
            self._bus,
            self._listener,
            meter=UsageMeter(self._options.model, self._options.transcription_model, self._prices),
            equipment=self._equipment,
            budget_usd=self._budget_usd,
        )
        if self._muted:
            self._run.post(MuteChanged(muted=True))
        try:
            return await self._run.execute(settings_told(self._options, self._tools))
        finally:
            self._run = None

    async def stop(self, *, reason: EndReason = EndReason.STOPPED) -> None:
        """End the session, if one runs, and wait until it has ended; inside a tool or an observer it does not wait.

        Without a session, what `prewarm` connected is closed.
        """
        if (run := self._run) is None:
            await self._equipment.close()
        else:
            run.post(StopAsked(reason))
            await run.wait_finished()

    async def set_speech_speed(self, speed: float) -> None:
        """Speak slower or faster from the next response on; clamped to 0.25 to 1.5. Later sessions keep it."""
        speed = clamped(speed, 0.25)
        self._options = self._options.model_copy(update={"speech_speed": speed})
        self._post(SpeedChanged(speed))

    async def set_volume(self, volume: float) -> None:
        """Play louder or quieter at once; clamped to 0 to 1. The speaker keeps it. Raises SinkError if it cannot."""
        if not isinstance(self._sink, VolumeControl):
            raise SinkError("The volume of this speaker cannot be changed")
        await self._sink.set_volume(min(max(volume, 0.0), 1.0))

    async def interrupt(self, *, heard_s: float | None = None) -> None:
        """Fall silent now and drop what was going to be said; without a session there is nothing to do.

        With `heard_s` the user has been speaking to it for so long: a microphone that was closed because the agent
        spoke opens at once, and what was said since then is heard too.
        """
        self._post(InterruptAsked(heard_s))

    async def send_message(self, text: str, *, image: str | None = None) -> None:
        """Write something to the agent, which answers it; `image` is a data URL of a PNG or JPEG picture.

        Raises SessionClosedError when the agent does not run, and ValueError for anything but such an image.
        """
        check_image(image)
        self._ask(MessageSent(text, image))

    async def say(self, text: str) -> None:
        """Speak this, in these words, as soon as the floor is free. Raises SessionClosedError without a session."""
        self._ask(SayAsked(text))

    async def ask(self, instructions: str | None = None) -> None:
        """Speak next, also following these instructions. Raises SessionClosedError without a session."""
        self._ask(ResponseAsked(instructions))

    async def note(self, text: str, *, respond: bool = False) -> None:
        """Tell the agent what the user did not say; with `respond` it speaks about it. Raises SessionClosedError."""
        self._ask(NoteAdded(text, respond))

    async def send_assistant_message(self, text: str) -> None:
        """Let the agent believe that it has said this, in silence. Raises SessionClosedError without a session."""
        self._ask(WordsLent(text))

    async def set_muted(self, muted: bool) -> None:
        """Send silence in place of what the microphone hears, or open it again. Later sessions keep it."""
        self._muted = muted
        self._post(MuteChanged(muted))

    async def commit_turn(self, *, respond: bool = True) -> None:
        """Push-to-talk: the user has finished. With voice activity detection it has no effect.

        Without `respond` the agent answers when `ask` says so.
        """
        self._ask(TurnEnded(respond))

    async def wait_composed(self) -> None:
        """Wait until the agent has no more to say for now and the speaker was given all of it, heard or not.

        What was asked for before counts, and observers have been told everything. Raises SessionClosedError when the
        session ends before, or there is none.
        """
        if self._run is None:
            raise SessionClosedError(EndReason.STOPPED)
        await self._run.wait_composed()

    async def update_tools(self, tools: Tools) -> None:
        """Offer these tools in place of the present ones, in the running session too."""
        self._equipment.replace_tools(tools)
        self._tools.set_context(ToolContext(*self._context, tools.context))
        self._shown = None
        self._offer()

    async def refresh_tools(self) -> None:
        """Offer the tools that are available now, described as of now; each call of a tool does it anyway."""
        self._offer()

    def _offer(self) -> None:
        """Tell the running session which tools the model may see, if they are others than before."""
        offered = self._at_hand()
        if offered != self._offered:
            self._offered = offered
            self._post(ToolsChanged(offered))

    def _at_hand(self) -> tuple[ToolDefinition, ...]:
        shown = self._shown
        return tuple(tool for tool in self._tools.definitions() if shown is None or tool.name in shown)

    async def _offering_anew(self, call: ToolCall, run: CallNext) -> ToolOutcome:
        """What a tool did may decide which tools are available, for the answer to its result already."""
        outcome = await run(call)
        self._offer()
        return outcome

    def _post(self, fact: UserCommand | ToolProgressed) -> None:
        if self._run is not None:
            self._run.post(fact)

    def _ask(self, command: UserCommand) -> None:
        if self._run is None:
            raise SessionClosedError(EndReason.STOPPED)
        self._run.post(command)

    def _session(self, publish: Callable[[SessionEvent], None]) -> Session:
        self._shown = None
        self._offered = self._at_hand()
        return Session(
            providers=(self._provider, *self._fallbacks),
            options=self._options.model_copy(update={"tools": self._offered}),
            source=self._source,
            sink=self._sink,
            tools=self._tools,
            publish=publish,
            limits=self._limits,
            recording_path=self._recording_path,
            cues=self._cues,
            history=tuple(recalled(index, turn) for index, turn in enumerate(self._earlier) if turn.transcript),
        )

    def _on_progress(self, call_id: str, text: str) -> None:
        self._post(ToolProgressed(call_id, text))

    async def _on_command(self, command: AgentCommand) -> None:
        match command:
            case UpdateSpeechSpeedCommand(speed=speed):
                await self.set_speech_speed(speed)
            case InterruptCommand():
                await self.interrupt()
            case StopAgentCommand(when_silent=when_silent):
                self._post(StopAsked(when_silent=when_silent))
            case UpdateSessionToolsCommand(tools=names):
                self._shown = frozenset(names)
                self._offer()
            case UpdateToolChoiceCommand(tool_choice=choice):
                self._post(ToolChoiceChanged(ToolChoice(choice)))
            case CancelSubAgentCommand():
                await self._equipment.cancel_work()
