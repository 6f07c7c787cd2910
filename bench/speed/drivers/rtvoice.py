"""rtvoice 0.10 from PyPI, the library that this project takes its measure from."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rtvoice import OpenAIProvider, RealtimeAgent, ServerVAD, Tools
from rtvoice.agent.listener import AgentListener
from rtvoice.audio import AudioInput, AudioOutput

from bench.speed.harness import Place, main
from bench.speed.work import INSTRUCTIONS, TOOL, Microphone, Speaker


class Provider(OpenAIProvider):
    """The provider, at another address."""

    def __init__(self, place: Place) -> None:
        super().__init__(api_key=place.api_key)
        self._url = place.url.replace("http://", "ws://")
        self._model = place.model

    def build_url(self, model: str) -> str:  # noqa: ARG002  the server has its own
        """Where the session is."""
        return f"{self._url}/realtime?model={self._model}"


class Input(AudioInput):
    """The microphone as rtvoice knows one."""

    def __init__(self, microphone: Microphone) -> None:
        self._microphone = microphone
        self._active = False

    @property
    def is_active(self) -> bool:
        """Whether it captures."""
        return self._active

    async def start(self) -> None:
        """Open it."""
        self._active = True

    async def stop(self) -> None:
        """Close it."""
        self._active = self._microphone.open = False

    def stream_chunks(self) -> AsyncIterator[bytes]:
        """What it hears."""
        return self._microphone.frames()


class Output(AudioOutput):
    """The speaker as rtvoice knows one."""

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker

    @property
    def is_playing(self) -> bool:
        """Whether there is something to hear."""
        return self._speaker.playing

    async def start(self) -> None:
        """Nothing to open."""

    async def stop(self) -> None:
        """Nothing to close."""

    async def play_chunk(self, chunk: bytes) -> None:
        """Play it."""
        self._speaker.take(chunk)

    async def clear_buffer(self) -> None:
        """Be silent."""
        self._speaker.silence()


class Listener(AgentListener):
    """Learns when the session is there."""

    def __init__(self) -> None:
        self.connected = asyncio.Event()

    async def on_agent_session_connected(self) -> None:
        """It is."""
        self.connected.set()


@asynccontextmanager
async def session(place: Place) -> AsyncIterator[None]:
    """Hear and speak."""
    tools = Tools()

    @tools.action("Turn it on.", name=TOOL)
    async def turn_on() -> str:
        return "{}"

    listener = Listener()
    agent = RealtimeAgent(
        system_prompt=INSTRUCTIONS,
        provider=Provider(place),
        turn_detection=ServerVAD(),
        tools=tools,
        audio_input=Input(place.microphone),
        audio_output=Output(place.speaker),
        listener=listener,
    )
    run = asyncio.create_task(agent.start())
    try:
        await listener.connected.wait()
        yield
    finally:
        await agent.stop()
        await run


if __name__ == "__main__":
    main(session)
