"""rtvoice 0.10 from PyPI, the library that this project takes its measure from."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rtvoice import OpenAIProvider, RealtimeAgent, ServerVAD, Tools
from rtvoice.agent.listener import AgentListener
from rtvoice.audio import AudioInput, AudioOutput

from bench.speed.devices import Input, Output
from bench.speed.harness import Place, main
from bench.speed.work import INSTRUCTIONS, TOOL


class Provider(OpenAIProvider):
    """The provider, at another address."""

    def __init__(self, place: Place) -> None:
        super().__init__(api_key=place.api_key)
        self._url = place.url.replace("http://", "ws://")
        self._model = place.model

    def build_url(self, model: str) -> str:  # noqa: ARG002  the server has its own
        """Where the session is."""
        return f"{self._url}/realtime?model={self._model}"


class LibraryInput(Input, AudioInput):
    """The microphone as rtvoice knows one."""


class LibraryOutput(Output, AudioOutput):
    """The speaker as rtvoice knows one."""


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
        audio_input=LibraryInput(place.microphone),
        audio_output=LibraryOutput(place.speaker),
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
