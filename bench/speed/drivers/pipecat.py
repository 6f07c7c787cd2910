"""Pipecat, with its service for the Realtime API and a transport of its kind.

The provider finds the turns. It is told so from the start, or else it loads a model of its own for each session before
it learns it. What nothing here asks for (messages to a front end, tracking of turns, a time-out for idle pipelines,
logs below warnings) is off. The first thing is `LLMRunFrame`, as in its examples: its service needs a context to answer
calls; so the agent speaks first. The microphone opens a second later: who speaks into the first moment of an answer
makes it truncate twice, the second time to more than is left, and it takes the server's refusal for the session's end.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from loguru import logger
from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    InterruptionFrame,
    LLMRunFrame,
    OutputAudioRawFrame,
    StartFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair, LLMUserAggregatorParams
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.llm_service import FunctionCallParams
from pipecat.services.openai.realtime import events
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService
from pipecat.transports.base_input import BaseInputTransport
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams
from pipecat.turns.user_start import ExternalUserTurnStartStrategy
from pipecat.turns.user_stop import ExternalUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.workers.runner import WorkerRunner

from bench.speed.harness import Place, main
from bench.speed.work import INSTRUCTIONS, RATE_HZ, TOOL, Microphone, Speaker

logger.remove()
logger.add(sys.stderr, level="WARNING")

_HEARD_AFTER_S = 1.0


class Input(BaseInputTransport):
    """The microphone as Pipecat knows one."""

    def __init__(self, microphone: Microphone) -> None:
        super().__init__(TransportParams(audio_in_enabled=True))
        self._microphone = microphone
        self._hearing: asyncio.Task[None] | None = None

    async def start(self, frame: StartFrame) -> None:
        """Hear from now on."""
        await super().start(frame)
        await self.set_transport_ready(frame)
        self._hearing = self.create_task(self._hear())

    async def cleanup(self) -> None:
        """Hear no more."""
        if self._hearing:
            await self.cancel_task(self._hearing)
        await super().cleanup()

    async def _hear(self) -> None:
        await asyncio.sleep(_HEARD_AFTER_S)
        async for frame in self._microphone.frames():
            await self.push_audio_frame(InputAudioRawFrame(audio=frame, sample_rate=RATE_HZ, num_channels=1))


class Output(BaseOutputTransport):
    """The speaker as Pipecat knows one; silenced as its own transports silence theirs."""

    def __init__(self, speaker: Speaker) -> None:
        super().__init__(TransportParams(audio_out_enabled=True))
        self._speaker = speaker

    async def start(self, frame: StartFrame) -> None:
        """Ready at once."""
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Let it be handled, and be silent when the user interrupts."""
        await super().process_frame(frame, direction)
        if isinstance(frame, InterruptionFrame):
            self._speaker.silence()

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        """Play it."""
        self._speaker.take(frame.audio)
        return True


async def turn_on(call: FunctionCallParams) -> None:
    """Turn it on."""
    await call.result_callback({"on": True})


@asynccontextmanager
async def session(place: Place) -> AsyncIterator[None]:
    """Hear and speak."""
    detection = events.TurnDetection(threshold=None, prefix_padding_ms=None, silence_duration_ms=None)
    service = OpenAIRealtimeLLMService(
        api_key=place.api_key,
        base_url=f"{place.url.replace('http://', 'ws://')}/realtime",
        settings=OpenAIRealtimeLLMService.Settings(
            model=place.model,
            system_instruction=INSTRUCTIONS,
            session_properties=events.SessionProperties(
                output_modalities=["audio"],
                audio=events.AudioConfiguration(
                    input=events.AudioInput(format=events.PCMAudioFormat(), turn_detection=detection),
                    output=events.AudioOutput(format=events.PCMAudioFormat(), voice="marin"),
                ),
            ),
        ),
    )
    tool = FunctionSchema(TOOL, "Turn it on.", properties={}, required=[], handler=turn_on)
    turns = UserTurnStrategies(
        start=[ExternalUserTurnStartStrategy()], stop=[ExternalUserTurnStopStrategy(wait_for_transcript=False)]
    )
    user, assistant = LLMContextAggregatorPair(
        LLMContext(tools=ToolsSchema([tool])),
        user_params=LLMUserAggregatorParams(user_turn_strategies=turns),
        realtime_service_mode=True,
    )
    worker = PipelineWorker(
        Pipeline([Input(place.microphone), user, service, Output(place.speaker), assistant]),
        params=PipelineParams(audio_in_sample_rate=RATE_HZ, audio_out_sample_rate=RATE_HZ),
        enable_rtvi=False,
        enable_turn_tracking=False,
        idle_timeout_secs=None,
    )
    started = asyncio.Event()

    @worker.event_handler("on_pipeline_started")
    async def note(*_: object) -> None:
        started.set()

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    run = asyncio.create_task(runner.run())
    try:
        await started.wait()
        await worker.queue_frames([LLMRunFrame()])
        yield
    finally:
        await worker.cancel()
        await run


if __name__ == "__main__":
    main(session)
