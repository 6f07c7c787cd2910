import asyncio

import pytest

from custom_components.rtvoice.engine.conversation import effects as e
from custom_components.rtvoice.engine.conversation import facts as f
from custom_components.rtvoice.engine.conversation.user_commands import InterruptAsked, SpeedChanged, StopAsked
from custom_components.rtvoice.engine.conversation.values import Capabilities, ItemKind, NewItem, ResponseStatus
from custom_components.rtvoice.engine.errors import (
    AuthenticationError,
    DeviceError,
    EndReason,
    QuotaExceededError,
    RateLimitedError,
    SessionExpiredError,
)
from custom_components.rtvoice.engine.events import AgentErrorEvent, AgentStateChangedEvent
from custom_components.rtvoice.engine.session.supervisor import STEADY_S, Supervisor

from ..fakes import FakeProvider, FakeSpeaker, lost, unreachable
from ..virtual_time import run
from .test_session import Rig, audio

COMPLETED = ResponseStatus.COMPLETED


def numbers(connection) -> list[int]:
    return [int.from_bytes(frame[:2], "little") for frame in connection.audio]


def states(rig) -> list[str]:
    return [event.state for event in rig.of(AgentStateChangedEvent)]


def test_a_lost_link_is_made_anew_and_told_what_was_said() -> None:
    async def main():
        rig = Rig()
        async with rig.running():
            rig.connection.feed(
                f.UserTranscriptFinished("u1", "Hello"), f.TranscriptFinished("r0", "i1", 0, "Hi."), lost()
            )
            await rig.until(lambda: len(rig.provider.connections) == 2 and rig.connection.audio)
            assert rig.connection.sent(e.AddItem) == [
                e.AddItem(NewItem(ItemKind.USER_MESSAGE, "Hello", item_id="u1")),
                e.AddItem(NewItem(ItemKind.AGENT_MESSAGE, "Hi.", item_id="i1")),
            ]
        assert states(rig) == ["listening", "reconnecting", "listening", "idle"]
        assert rig.mic.stops == 1

    run(main())


def test_what_the_user_was_saying_is_sent_again_without_a_gap() -> None:
    async def main():
        rig = Rig(provider=FakeProvider(later=[unreachable(), None]))
        async with rig.running():
            first = rig.connection
            await rig.until(lambda: len(first.audio) == 200)
            first.feed(f.SpeechStarted("u1"))
            await rig.until(lambda: len(first.audio) == 300)
            first.feed(lost())
            await rig.until(lambda: len(rig.provider.connections) == 2 and len(rig.connection.audio) > 300)
        heard = numbers(rig.connection)
        assert heard == list(range(heard[0], heard[0] + len(heard)))
        assert heard[0] <= 200
        assert heard[0] > 100

    run(main())


def test_what_was_committed_is_not_sent_again_but_added_as_an_item() -> None:
    async def main():
        rig = Rig()
        async with rig.running():
            first = rig.connection
            first.feed(f.SpeechStarted("u1"))
            await rig.until(lambda: len(first.audio) > 100)
            first.feed(f.SpeechStopped("u1", ended_ago_s=0.5), f.TurnCommitted("u1"))
            await asyncio.sleep(0.05)
            spoken = numbers(first)[-1] - 25
            first.feed(lost())
            await rig.until(lambda: len(rig.provider.connections) == 2 and rig.connection.sent(e.CreateResponse))
            (item,) = [command.item for command in rig.connection.sent(e.AddItem)]
            assert item.item_id == "u1"
            assert spoken - 2 <= len(item.audio) // 960 <= spoken, "up to where the turn ended"
            await rig.until(lambda: rig.connection.audio)
            assert len(item.audio) // 960 < numbers(rig.connection)[0] <= spoken + 3, "what is behind it"

    run(main())


def test_what_was_meant_for_a_link_that_is_gone_is_not_sent_on_the_next() -> None:
    """The speaker takes a while to fall silent; meanwhile the link breaks."""

    class SlowToClear(FakeSpeaker):
        async def clear_buffer(self) -> None:
            await super().clear_buffer()
            await asyncio.sleep(0.2)

    async def main():
        rig = Rig(speaker=SlowToClear())
        async with rig.running():
            rig.connection.feed(f.ResponseStarted("r1"), audio(3000))
            await rig.until(lambda: rig.speaker.played_samples > 0)
            rig.session.post(InterruptAsked())
            await asyncio.sleep(0.05)
            rig.connection.feed(lost())
            await rig.until(lambda: len(rig.provider.connections) == 2)
            await asyncio.sleep(2)
            assert not rig.connection.sent(e.CancelResponse)
            assert not rig.connection.sent(e.TruncateItem)
            assert rig.connection.audio

    run(main())


def test_settings_changed_meanwhile_are_those_of_the_new_link() -> None:
    async def main():
        rig = Rig()
        async with rig.running():
            rig.session.post(SpeedChanged(1.3))
            await rig.until(lambda: rig.connection.sent(e.UpdateSession))
            rig.connection.feed(lost())
            await rig.until(lambda: len(rig.provider.connections) == 2)
            assert rig.provider.options.speech_speed == 1.3

    run(main())


def test_audio_that_has_come_plays_on_while_the_link_is_made_anew() -> None:
    async def main():
        rig = Rig(provider=FakeProvider(later=[unreachable(), unreachable(), None]))
        async with rig.running():
            rig.connection.feed(f.ResponseStarted("r1"), audio(3000))
            await rig.until(lambda: rig.speaker.played_samples > 0)
            rig.connection.feed(lost())
            await rig.until(lambda: len(rig.provider.connections) == 2)
            await rig.until(lambda: rig.speaker.played_samples == 72_000)

    run(main())


def test_expired_session_is_made_anew_at_once() -> None:
    async def main():
        rig = Rig()
        async with rig.running():
            began = asyncio.get_running_loop().time()
            rig.connection.feed(SessionExpiredError("60 minutes"))
            await rig.until(lambda: len(rig.provider.connections) == 2)
            assert asyncio.get_running_loop().time() - began < 0.2
        assert not rig.of(AgentErrorEvent)

    run(main())


def test_long_session_moves_before_it_expires() -> None:
    async def main():
        rig = Rig(provider=FakeProvider(capabilities=Capabilities(session_s=400)))
        async with rig.running():
            await rig.until(lambda: len(rig.provider.connections) == 3, within_s=1000)
            heard = [number for connection in rig.provider.connections for number in numbers(connection)]
            assert set(heard) == set(range(1, max(heard) + 1))
        assert rig.provider.open == 0

    run(main())


@pytest.mark.parametrize("error", [QuotaExceededError("No credit"), AuthenticationError("Revoked")])
def test_what_no_retry_can_mend_ends_the_session(error) -> None:
    async def main():
        rig = Rig()
        async with rig.running() as task:
            rig.connection.feed(error)
            assert (await task).reason is error.end_reason
        assert rig.provider.attempts == 1

    run(main())


def test_another_provider_stands_in() -> None:
    async def main():
        second = FakeProvider()
        rig = Rig(fallbacks=(second,))
        async with rig.running():
            rig.connection.feed(f.UserTranscriptFinished("u1", "Hello"), QuotaExceededError("No credit"))
            await rig.until(lambda: second.connection.sent(e.AddItem))
            await rig.until(lambda: second.connection.audio)

    run(main())


def test_another_provider_stands_in_from_the_start() -> None:
    async def main():
        second = FakeProvider()
        rig = Rig(provider=FakeProvider(error=unreachable()), fallbacks=(second,))
        async with rig.running():
            await rig.until(lambda: second.connection.audio)

    run(main())


def test_commands_of_a_lost_link_are_not_sent_on_the_new_one() -> None:
    async def main():
        rig = Rig()
        async with rig.running():
            rig.connection.feed(f.ResponseStarted("r1"), audio(5000), f.ResponseFinished("r1", COMPLETED))
            await rig.until(lambda: rig.speaker.played_samples > 0)
            rig.connection.stalled.clear()
            rig.session.post(InterruptAsked())
            await asyncio.sleep(0.1)
            rig.connection.feed(lost())
            await rig.until(lambda: len(rig.provider.connections) == 2 and rig.connection.audio)
            assert not rig.connection.sent(e.TruncateItem)

    run(main())


def test_stopping_while_the_link_is_made_anew() -> None:
    async def main():
        rig = Rig(provider=FakeProvider(later=[unreachable()]))
        async with rig.running() as task:
            rig.connection.feed(lost())
            await rig.until(lambda: rig.session.state == "reconnecting")
            rig.session.post(StopAsked())
            async with asyncio.timeout(0.1):
                assert (await task).reason is EndReason.STOPPED

    run(main())


class TestSupervisor:
    def supervisor(self, providers: int = 1) -> Supervisor:
        return Supervisor([FakeProvider() for _ in range(providers)], jitter=lambda: 1.0)

    def test_waits_longer_each_time_and_gives_up(self) -> None:
        supervisor = self.supervisor()
        waits = [supervisor.after(lost(), 0) for _ in range(6)]
        assert [wait.after_s for wait in waits[:5]] == [0.5, 1.0, 2.0, 4.0, 8.0]
        assert waits[5] is None

    def test_jitter_shortens_the_wait_by_a_quarter_at_most(self) -> None:
        supervisor = Supervisor([FakeProvider()], jitter=lambda: 0.0)
        assert supervisor.after(lost(), 0).after_s == 0.375

    def test_steady_link_starts_the_count_anew(self) -> None:
        supervisor = self.supervisor()
        for n in range(20):
            supervisor.connected(n * 100)
            assert supervisor.after(lost(), n * 100 + STEADY_S).after_s == 0.5

    def test_link_that_breaks_at_once_does_not(self) -> None:
        supervisor = self.supervisor()
        for n in range(5):
            supervisor.connected(n)
            assert supervisor.after(lost(), n) is not None
        assert supervisor.after(lost(), 9) is None

    def test_rate_limits_are_waited_for(self) -> None:
        assert self.supervisor().after(RateLimitedError("Slow down"), 0).after_s == 10.0
        assert self.supervisor().after(RateLimitedError("Slow down", retry_after_s=30), 0).after_s == 30

    def test_expiry_before_a_link_was_made_is_a_failure(self) -> None:
        assert self.supervisor().after(SessionExpiredError("?"), 0).after_s == 0.5

    def test_each_provider_is_used_once(self) -> None:
        supervisor = self.supervisor(3)
        first = supervisor.provider
        assert supervisor.after(lost(), 0).provider is not first
        assert supervisor.after(QuotaExceededError("x"), 0) is not None
        assert supervisor.after(QuotaExceededError("x"), 0) is None

    def test_other_errors_are_not_retried(self) -> None:
        assert self.supervisor().after(DeviceError("x"), 0) is None
