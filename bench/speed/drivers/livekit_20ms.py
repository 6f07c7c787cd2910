"""LiveKit Agents again, made to send each frame of the microphone when it comes, as everybody else does.

As it is, its plug-in collects 100 ms before it sends: a fifth of the messages. It has no setting for that, so its own
buffer is put in again with another size.
"""

from contextlib import AbstractAsyncContextManager
from typing import override

from livekit.agents.utils.audio import AudioByteStream
from livekit.plugins.openai.realtime import RealtimeModel
from livekit.plugins.openai.realtime.realtime_model import RealtimeSession

from bench.speed.drivers import livekit
from bench.speed.harness import Place, main
from bench.speed.work import FRAME_BYTES, RATE_HZ


class PromptModel(RealtimeModel):
    """Its sessions hold nothing back."""

    @override
    def session(self, **options: bool) -> RealtimeSession:
        """Make one."""
        session = super().session(**options)
        session._bstream = AudioByteStream(  # noqa: SLF001 - there is no setting for it
            RATE_HZ, 1, samples_per_channel=FRAME_BYTES // 2
        )
        return session


def session(place: Place) -> AbstractAsyncContextManager[None]:
    """Hear and speak."""
    return livekit.session(place, PromptModel)


if __name__ == "__main__":
    main(session)
