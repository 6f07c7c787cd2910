"""Sounds tell what the session does, in order, and are nothing that the agent said."""

import asyncio

import pytest

from custom_components.rtvoice.engine.audio.frame import AudioFrame
from custom_components.rtvoice.engine.conversation import facts as f
from custom_components.rtvoice.engine.conversation.user_commands import InterruptAsked, StopAsked
from custom_components.rtvoice.engine.conversation.values import ResponseStatus
from custom_components.rtvoice.engine.errors import AuthenticationError, EndReason, SinkError, SourceError
from custom_components.rtvoice.engine.options import Cues
from custom_components.rtvoice.engine.session import session as session_module

from ..fakes import FakeMicrophone, FakeProvider, FakeSpeaker, lost
from ..virtual_time import run
from .test_session import Rig, audio

RATE = 24_000


def sound(value: int, ms: int = 100, rate_hz: int = RATE) -> AudioFrame:
    return AudioFrame(value.to_bytes(2, "little") * (rate_hz * ms // 1000), rate_hz)


LISTENING, THINKING, ENDED, ERROR = (sound(value) for value in (1000, 2000, 3000, 4000))
CUES = Cues(listening=LISTENING, thinking=THINKING, ended=ENDED, error=ERROR)


def heard(speaker: FakeSpeaker) -> bytes:
    return b"".join(speaker.given)


def test_listening_thinking_and_ended_are_heard_in_order() -> None:
    async def main():
        rig = Rig(cues=CUES)
        async with rig.running() as task:
            await asyncio.sleep(0.5)
            assert heard(rig.speaker) == LISTENING.pcm
            rig.connection.feed(f.SpeechStarted("u1"), f.SpeechStopped("u1"), f.TurnCommitted("u1"))
            await asyncio.sleep(0.5)
            rig.connection.feed(f.ResponseStarted("r1"), audio(500), f.ResponseFinished("r1", ResponseStatus.COMPLETED))
            await asyncio.sleep(2)
            rig.session.post(StopAsked())
            end = await task
            assert end.reason is EndReason.STOPPED
            assert not rig.speaker.is_playing
        assert heard(rig.speaker) == LISTENING.pcm + THINKING.pcm + audio(500).pcm + ENDED.pcm
        assert rig.speaker.played_samples == RATE * 8 // 10, "all of it was heard"
        assert rig.speaker.stops == 1

    run(main())


def test_an_interruption_truncates_to_what_was_heard_behind_the_cue() -> None:
    async def main():
        rig = Rig(cues=CUES)
        async with rig.running():
            rig.connection.feed(f.SpeechStarted("u1"), f.SpeechStopped("u1"), f.TurnCommitted("u1"))
            rig.connection.feed(f.ResponseStarted("r1"), audio(5000))
            await rig.until(lambda: rig.speaker.played_samples > RATE)
            rig.session.post(InterruptAsked())
            await asyncio.sleep(0.1)
            item = rig.session.messages[-1]
            said_ms = (rig.speaker.played_samples - LISTENING.samples - THINKING.samples) / 24
            assert said_ms - 1 <= item.heard_ms <= said_ms

    run(main())


def test_listening_at_once_does_not_wait_for_the_provider() -> None:
    async def main():
        rig = Rig(cues=CUES.model_copy(update={"at_once": True}), provider=FakeProvider(delay_s=2))
        task = asyncio.create_task(rig.session.run())
        await asyncio.sleep(0.5)
        assert heard(rig.speaker) == LISTENING.pcm
        await asyncio.sleep(2)
        assert heard(rig.speaker) == LISTENING.pcm, "once is enough"
        rig.session.post(StopAsked())
        await task

    run(main())


def test_a_session_that_is_stopped_while_it_speaks_is_silent_but_for_the_cue() -> None:
    async def main():
        rig = Rig(cues=Cues(listening=None, ended=ENDED))
        async with rig.running() as task:
            rig.connection.feed(f.ResponseStarted("r1"), audio(5000))
            await rig.until(lambda: rig.speaker.played_samples > RATE)
            said = rig.speaker.played_samples
            rig.session.post(StopAsked())
            await task
        assert rig.speaker.played_samples - said < ENDED.samples + RATE // 20
        assert heard(rig.speaker).endswith(ENDED.pcm)

    run(main())


@pytest.mark.parametrize("later", [False, True])
def test_failing_has_a_sound_of_its_own(later: bool) -> None:
    async def main():
        rig = Rig(cues=CUES, provider=FakeProvider(error=None if later else AuthenticationError("Wrong key")))
        task = asyncio.create_task(rig.session.run())
        if later:
            await asyncio.sleep(1)
            rig.provider.later = [AuthenticationError("Wrong key")]
            rig.connection.feed(lost())
        end = await task
        assert end.reason is EndReason.AUTHENTICATION_FAILED
        assert heard(rig.speaker) == (LISTENING.pcm if later else b"") + ERROR.pcm

    run(main())


def test_a_microphone_that_does_not_open_is_told_by_the_speaker() -> None:
    async def main():
        rig = Rig(cues=CUES, mic=FakeMicrophone(error=SourceError("busy"), start_s=0.1))
        await rig.session.run()
        assert heard(rig.speaker) == ERROR.pcm

    run(main())


class Broken(FakeSpeaker):
    """A speaker that fails at some time, or hangs."""

    def __init__(self, *, hangs: bool) -> None:
        super().__init__()
        self.hangs = hangs
        self.broken = False

    async def play_chunk(self, pcm: bytes) -> None:
        if self.broken and self.hangs:
            await asyncio.sleep(1000)
        if self.broken:
            raise SinkError("unplugged")
        await super().play_chunk(pcm)


@pytest.mark.parametrize("hangs", [False, True])
def test_a_broken_speaker_does_not_keep_the_session_from_ending(hangs: bool) -> None:
    async def main():
        speaker = Broken(hangs=hangs)
        rig = Rig(cues=CUES, speaker=speaker)
        async with rig.running() as task:
            speaker.broken = True
            rig.session.post(StopAsked())
            async with asyncio.timeout(2):
                assert (await task).reason is EndReason.STOPPED
        assert speaker.stops == 1

    run(main())


def test_a_speaker_that_did_not_open_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main():
        monkeypatch.setattr(session_module, "DEVICE_START_S", 0.5)
        rig = Rig(cues=CUES, speaker=FakeSpeaker(start_s=10))
        end = await rig.session.run()
        assert end.reason is EndReason.DEVICE_FAILED
        assert rig.speaker.given == []

    run(main())


def test_cues_of_another_rate_are_brought_to_the_speaker_s() -> None:
    async def main():
        rig = Rig(cues=Cues(listening=sound(1000, 100, 16_000), ended=sound(3000, 100, 48_000)))
        async with rig.running():
            await asyncio.sleep(0.5)
        assert len(heard(rig.speaker)) == LISTENING.samples * 2 + ENDED.samples * 2

    run(main())


def test_without_cues_there_is_no_sound() -> None:
    async def main():
        rig = Rig()
        async with rig.running():
            rig.connection.feed(f.SpeechStarted("u1"), f.SpeechStopped("u1"), f.TurnCommitted("u1"))
            await asyncio.sleep(0.5)
        assert rig.speaker.given == []

    run(main())
