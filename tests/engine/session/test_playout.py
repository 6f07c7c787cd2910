"""What is queued is played in order, silence comes at once when asked for, and the ledger is always right."""

import asyncio
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from math import pi, sin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.rtvoice.engine.audio.resample import Resampler
from custom_components.rtvoice.engine.conversation.facts import Fact, PlayoutDrained, PlayoutStarted
from custom_components.rtvoice.engine.conversation.values import NOTHING_HEARD, PlayoutPosition
from custom_components.rtvoice.engine.devices import NullOutput
from custom_components.rtvoice.engine.errors import SinkError
from custom_components.rtvoice.engine.session.playout import Playout
from tests.engine.session.devices import HandSink
from tests.engine.session.virtual_time import in_virtual_time, run_virtually

FRAME = 480
MS = 24


def ramp(start: int, samples: int) -> bytes:
    return array("H", [(start + n) % 65536 for n in range(samples)]).tobytes()


class Stage:
    """A playout on a sink in the test's hands."""

    def __init__(self, sink: HandSink, **options: object) -> None:
        self.sink = sink
        self.facts: list[Fact] = []
        self.playout = Playout(sink, 24_000, self.facts.append, **options)

    async def pass_ms(self, milliseconds: float) -> None:
        """Let time pass without the sink playing anything."""
        await asyncio.sleep(milliseconds / 1000)

    async def listen(self, frames: int) -> None:
        """Let the sink play in real time, once it was given what it has room for."""
        await asyncio.sleep(0.001)
        for _ in range(frames):
            self.sink.advance(self.sink.sample_rate // 50)
            await asyncio.sleep(0.02)

    def of_kind[T: Fact](self, kind: type[T]) -> list[T]:
        return [fact for fact in self.facts if isinstance(fact, kind)]


@asynccontextmanager
async def staged(sink: HandSink | None = None, **options: object) -> AsyncIterator[Stage]:
    stage = Stage(sink or HandSink(), **options)
    task = asyncio.create_task(stage.playout.run())
    await asyncio.sleep(0)
    try:
        yield stage
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@in_virtual_time
async def test_one_item_is_played_in_frames_and_told() -> None:
    async with staged() as stage:
        stage.playout.play("a", 0, ramp(0, 10 * FRAME))
        await stage.pass_ms(1)
        assert stage.sink.given == [FRAME] * 5, "as much as the sink has room for"
        assert stage.playout.position() == NOTHING_HEARD
        await stage.listen(1)
        assert stage.facts == [PlayoutStarted("a")]
        assert stage.playout.position() == PlayoutPosition("a", 20.0)
        await stage.listen(10)
        assert stage.facts == [PlayoutStarted("a"), PlayoutDrained(1)]
        assert stage.playout.position() == PlayoutPosition("a", 200.0)
        assert bytes(stage.sink.heard) == ramp(0, 10 * FRAME)


@in_virtual_time
async def test_what_the_sink_takes_at_once_is_handed_over_in_the_step_in_which_it_came() -> None:
    async with staged() as stage:
        stage.playout.play("a", 0, ramp(0, 10 * FRAME))
        assert stage.sink.given == [FRAME] * 5, "as much as the sink has room for"


@in_virtual_time
async def test_position_is_known_between_frames() -> None:
    async with staged() as stage:
        stage.playout.play("a", 0, ramp(0, 10 * FRAME))
        await stage.pass_ms(1)
        stage.sink.advance(1)
        assert stage.playout.position() == PlayoutPosition("a", 1 / MS)
        stage.sink.advance(29 * MS)
        assert stage.playout.position() == PlayoutPosition("a", 29 + 1 / MS)


@in_virtual_time
async def test_short_beginning_waits_for_the_prebuffer() -> None:
    async with staged() as stage:
        stage.playout.play("a", 0, ramp(0, FRAME))
        await stage.pass_ms(50)
        assert stage.sink.given == []
        stage.playout.play("a", 0, ramp(FRAME, 2 * FRAME))
        await stage.pass_ms(0)
        assert sum(stage.sink.given) == 3 * FRAME


@in_virtual_time
async def test_short_item_is_played_though_nothing_follows() -> None:
    async with staged() as stage:
        stage.playout.play("a", 0, ramp(0, 100))
        await stage.pass_ms(61)
        assert stage.sink.given == [100]
        await stage.listen(2)
        assert stage.facts == [PlayoutStarted("a"), PlayoutDrained(1)]


@in_virtual_time
async def test_rest_of_an_item_is_given_before_the_sink_runs_dry() -> None:
    async with staged() as stage:
        stage.playout.play("a", 0, ramp(0, 4 * FRAME + 7))
        for _ in range(4):
            assert stage.sink.is_playing or not stage.sink.given
            await stage.listen(1)
        assert stage.sink.given == [FRAME] * 4 + [7]
        await stage.listen(2)
        assert bytes(stage.sink.heard) == ramp(0, 4 * FRAME + 7)
        assert stage.playout.underruns == 0


@in_virtual_time
async def test_items_follow_each_other_within_a_frame() -> None:
    async with staged() as stage:
        stage.playout.play("a", 0, ramp(0, 3 * FRAME + 10))
        stage.playout.play("b", 0, ramp(0, 20))
        stage.playout.play("c", 1, ramp(0, 3 * FRAME))
        await stage.listen(3)
        assert stage.facts == [PlayoutStarted("a")]
        stage.sink.advance(9)
        assert stage.playout.position().item_id == "a"
        stage.sink.advance(2)
        assert stage.playout.position() == PlayoutPosition("b", 1 / MS)
        await stage.listen(5)
        assert stage.facts == [PlayoutStarted("a"), PlayoutStarted("b"), PlayoutStarted("c"), PlayoutDrained(3)]
        assert stage.playout.position() == PlayoutPosition("c", 60.0)


@in_virtual_time
async def test_gap_in_an_item_is_an_underrun_and_its_count_goes_on() -> None:
    async with staged() as stage:
        stage.playout.play("a", 0, ramp(0, 4 * FRAME))
        await stage.listen(6)
        stage.playout.play("a", 0, ramp(4 * FRAME, 4 * FRAME))
        await stage.pass_ms(1)
        assert stage.playout.underruns == 1
        await stage.listen(6)
        assert stage.playout.position() == PlayoutPosition("a", 160.0)
        assert stage.facts == [PlayoutStarted("a"), PlayoutDrained(1), PlayoutStarted("a"), PlayoutDrained(2)], (
            "the agent can be heard again"
        )
        stage.playout.play("b", 0, ramp(0, 4 * FRAME))
        await stage.listen(6)
        assert stage.playout.underruns == 1, "another item is no underrun"


@in_virtual_time
async def test_clear_drops_queue_and_sink_and_keeps_the_position() -> None:
    async with staged() as stage:
        stage.playout.play("a", 0, ramp(0, 50 * FRAME))
        stage.playout.play("b", 0, ramp(0, 50 * FRAME))
        await stage.listen(3)
        stage.sink.advance(5)
        await stage.playout.clear()
        assert not stage.sink.queued
        assert stage.facts == [PlayoutStarted("a"), PlayoutDrained(2)]
        await stage.listen(5)
        assert len(stage.sink.heard) == 2 * (3 * FRAME + 5)
        assert stage.playout.position() == PlayoutPosition("a", 60 + 5 / MS)


@in_virtual_time
async def test_ledger_is_right_for_what_follows_a_clear() -> None:
    async with staged() as stage:
        stage.playout.play("a", 0, ramp(0, 50 * FRAME))
        await stage.listen(3)
        clearing = asyncio.create_task(stage.playout.clear())
        await asyncio.sleep(0)
        stage.playout.play("c", 0, ramp(0, 10 * FRAME))
        await clearing
        assert stage.facts == [PlayoutStarted("a")], "something is queued again, so nothing is drained"
        assert stage.playout.position() == PlayoutPosition("a", 60.0)
        await stage.listen(2)
        assert stage.playout.position() == PlayoutPosition("c", 40.0)
        await stage.listen(10)
        assert stage.facts == [PlayoutStarted("a"), PlayoutStarted("c"), PlayoutDrained(2)]
        assert bytes(stage.sink.heard) == ramp(0, 3 * FRAME) + ramp(0, 10 * FRAME)


@in_virtual_time
async def test_chunk_that_waits_for_room_is_not_played_after_a_clear() -> None:
    async with staged() as stage:
        stage.playout.play("a", 0, ramp(0, 50 * FRAME))
        await stage.pass_ms(5)
        assert len(stage.sink.queued) == stage.sink.capacity_bytes, "the next frame waits"
        await asyncio.gather(stage.playout.clear(), stage.playout.clear())
        await stage.listen(5)
        assert not stage.sink.heard
        assert stage.playout.position() == NOTHING_HEARD
        assert not stage.of_kind(PlayoutStarted)


@in_virtual_time
async def test_nothing_of_what_was_cleared_sounds_on_in_the_resampler() -> None:
    async with staged(HandSink(16_000)) as stage:
        stage.playout.play("a", 0, array("h", [20_000] * 50 * FRAME).tobytes())
        await stage.listen(3)
        heard = len(stage.sink.heard)
        assert any(stage.sink.heard)
        await stage.playout.clear()
        stage.playout.play("b", 0, bytes(2 * 5 * FRAME))
        await stage.listen(10)
        assert bytes(stage.sink.heard[heard:]) == bytes(2 * 5 * 320)


@in_virtual_time
async def test_each_burst_is_counted_from_where_the_sink_stood() -> None:
    # One sample at 24 kHz becomes one at 16 kHz, rounded up: a count of all of them together would run ahead.
    async with staged(HandSink(16_000), prebuffer_ms=0) as stage:
        for _ in range(9):
            stage.playout.play("a", 0, ramp(0, 1))
            await stage.pass_ms(100)
        assert stage.sink.given == [1] * 9
        stage.sink.advance(6)
        assert stage.playout.position() == PlayoutPosition("a", 6 / MS)


@in_virtual_time
@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 48_000])
async def test_gap_in_the_providers_pace_is_not_heard_while_the_sink_has_audio(rate_hz: int) -> None:
    tone = array("h", [round(8000 * sin(2 * pi * 220 * n / 24_000 + 1)) for n in range(20 * FRAME)]).tobytes()
    async with staged(HandSink(rate_hz, capacity_ms=5000)) as stage:
        stage.playout.play("a", 0, tone[: 20 * FRAME])
        await stage.listen(6)
        stage.playout.play("a", 0, tone[20 * FRAME :])
        await stage.listen(30)
    resampler = Resampler(24_000, rate_hz)
    assert bytes(stage.sink.heard) == resampler.process(tone) + resampler.flush()
    assert stage.facts == [PlayoutStarted("a"), PlayoutDrained(2)]


@in_virtual_time
async def test_all_is_given_though_the_end_of_the_stretch_is_still_to_come() -> None:
    async with staged(HandSink(48_000, capacity_ms=5000)) as stage:
        stage.playout.play("a", 0, ramp(0, 50 * FRAME))
        await stage.pass_ms(1)
        assert stage.playout.given


@in_virtual_time
async def test_clear_of_nothing_is_answered_too() -> None:
    async with staged() as stage:
        await stage.playout.clear()
        assert stage.facts == [PlayoutDrained(0)]


@in_virtual_time
async def test_empty_piece_is_drained_at_once() -> None:
    async with staged() as stage:
        stage.playout.play("a", 0, b"")
        assert stage.facts == [PlayoutDrained(1)]
        stage.playout.play("a", 0, ramp(0, 5 * FRAME))
        stage.playout.play("a", 0, b"")
        await stage.listen(7)
        assert stage.facts == [PlayoutDrained(1), PlayoutStarted("a"), PlayoutDrained(3)]


@in_virtual_time
async def test_full_queue_drops_the_new_piece_and_counts() -> None:
    async with staged(capacity_s=1) as stage:
        taken = 6 * FRAME
        stage.playout.play("a", 0, ramp(0, 24_000))
        stage.playout.play("a", 0, ramp(24_000, taken))
        assert stage.playout.dropped_chunks == 0
        stage.playout.play("a", 0, ramp(24_000 + taken, 480))
        assert stage.playout.dropped_chunks == 1
        await stage.listen(30)
        stage.playout.play("a", 0, ramp(24_480 + taken, 480))
        await stage.listen(40)
        assert bytes(stage.sink.heard) == ramp(0, 24_000 + taken) + ramp(24_480 + taken, 480)
        assert stage.playout.position() == PlayoutPosition("a", 1160.0), (
            "the place in the item, not the sum of what was heard"
        )
        assert stage.facts[-1] == PlayoutDrained(4)


@in_virtual_time
async def test_queues_before_it_runs_and_counts_from_where_the_sink_stands() -> None:
    sink = HandSink()
    sink.queued += bytes(2000)
    sink.advance(1000)
    stage = Stage(sink)
    stage.playout.play("a", 0, ramp(0, 5 * FRAME))
    assert stage.playout.position() == NOTHING_HEARD
    task = asyncio.create_task(stage.playout.run())
    await stage.listen(2)
    assert stage.playout.position() == PlayoutPosition("a", 40.0), "what others played before does not count"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()


@in_virtual_time
async def test_null_output_hears_everything_at_once() -> None:
    facts: list[Fact] = []
    playout = Playout(NullOutput(), 24_000, facts.append)
    task = asyncio.create_task(playout.run())
    playout.play("a", 0, ramp(0, 200 * FRAME))
    await asyncio.sleep(0.05)
    assert facts == [PlayoutStarted("a"), PlayoutDrained(1)]
    assert playout.position() == PlayoutPosition("a", 4000.0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@in_virtual_time
async def test_failing_sink_ends_the_run() -> None:
    stage = Stage(HandSink())
    stage.playout.play("a", 0, ramp(0, 50 * FRAME))
    task = asyncio.create_task(stage.playout.run())
    await stage.listen(2)
    stage.sink.fail()
    with pytest.raises(SinkError, match="unplugged"):
        await task


@in_virtual_time
async def test_timeout_of_the_sink_itself_is_not_mistaken_for_a_clear() -> None:
    stage = Stage(HandSink())
    stage.playout.play("a", 0, ramp(0, 50 * FRAME))
    task = asyncio.create_task(stage.playout.run())
    await stage.listen(2)
    stage.sink.fail(TimeoutError("slow"))
    with pytest.raises(TimeoutError, match="slow"):
        await task


@in_virtual_time
@pytest.mark.parametrize("frames", [3, 50])
async def test_sink_that_stops_playing_ends_the_run(frames: int) -> None:
    stage = Stage(HandSink())
    stage.playout.play("a", 0, ramp(0, frames * FRAME))
    task = asyncio.create_task(stage.playout.run())
    await stage.listen(2)
    stage.sink.dead = True
    await stage.pass_ms(900)
    assert not task.done()
    await stage.pass_ms(200)
    with pytest.raises(SinkError, match="stopped playing"):
        await task


@in_virtual_time
async def test_sink_that_recovers_within_a_second_lives_on() -> None:
    async with staged() as stage:
        stage.playout.play("a", 0, ramp(0, 8 * FRAME))
        await stage.listen(2)
        stage.sink.dead = True
        await stage.pass_ms(900)
        stage.sink.dead = False
        await stage.listen(10)
        await stage.pass_ms(2000)
        assert stage.facts == [PlayoutStarted("a"), PlayoutDrained(1)]


@in_virtual_time
async def test_sink_that_nobody_looked_at_for_a_while_lives_on() -> None:
    """What the sink says is believed when it has said so for a second, not when the loop had no time to ask."""
    async with staged() as stage:
        stage.playout.play("a", 0, ramp(0, 8 * FRAME))
        await stage.listen(2)
        stage.sink.dead = True
        await stage.pass_ms(100)
        asyncio.get_running_loop()._jumping.now_s += 5
        await stage.pass_ms(100)
        stage.sink.dead = False
        await stage.listen(10)
        await stage.pass_ms(2000)
        assert stage.facts == [PlayoutStarted("a"), PlayoutDrained(1)]


@in_virtual_time
async def test_paused_sink_is_waited_for() -> None:
    async with staged() as stage:
        stage.playout.play("a", 0, ramp(0, 8 * FRAME))
        await stage.pass_ms(60_000)
        await stage.listen(10)
        assert stage.facts == [PlayoutStarted("a"), PlayoutDrained(1)]


type Step = tuple[str, int, int]

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("play"), st.integers(0, 3), st.integers(0, 2500)),
        st.tuples(st.just("play"), st.integers(0, 3), st.integers(0, 2500)),
        st.tuples(st.just("clear"), st.just(0), st.just(0)),
        st.tuples(st.just("advance"), st.integers(1, 1500), st.just(0)),
        st.tuples(st.just("wait"), st.integers(0, 100), st.just(0)),
    ),
    max_size=24,
)


class Model:
    """Gives every sample a value of its own, so that a heard value tells which sample of which item it is."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.samples: list[tuple[str, int]] = []
        self.lengths: dict[str, int] = {}
        self.kept_from = 0
        self.plays = 0
        self.item = 0

    async def take(self, step: Step) -> None:
        match step:
            case ("play", skip, samples):
                self.item += skip == 0
                self.play(f"item{self.item}", samples)
            case ("clear", _, _):
                await self.stage.playout.clear()
                self.kept_from = len(self.samples)
                self.item += 1
            case ("advance", samples, _):
                self.stage.sink.advance(samples)
            case ("wait", milliseconds, _):
                await self.stage.pass_ms(milliseconds)
        self.check()

    def play(self, item_id: str, samples: int) -> None:
        self.stage.playout.play(item_id, 0, ramp(len(self.samples), samples))
        offset = self.lengths.get(item_id, 0)
        self.samples += [(item_id, offset + n) for n in range(samples)]
        self.lengths[item_id] = offset + samples
        self.plays += 1

    def check(self) -> None:
        heard = array("H", bytes(self.stage.sink.heard))
        assert all(before < after for before, after in pairwise(heard))
        position = self.stage.playout.position()
        if heard:
            item_id, offset = self.samples[heard[-1]]
            assert position == PlayoutPosition(item_id, (offset + 1) / MS)
        else:
            assert position == NOTHING_HEARD
        assert all(drained.chunks <= self.plays for drained in self.stage.of_kind(PlayoutDrained))

    async def finish(self) -> None:
        for _ in range(len(self.samples) // FRAME + 10):
            await self.stage.listen(1)
        await self.stage.pass_ms(100)
        await self.stage.listen(3)
        self.check()
        heard = array("H", bytes(self.stage.sink.heard))
        last = [value for value in heard if value >= self.kept_from]
        assert last == list(range(self.kept_from, len(self.samples))), "all that no clear has dropped"
        begun: list[str] = []
        for fact in self.stage.facts:
            if isinstance(fact, PlayoutDrained):
                # What goes on after a silence begins anew.
                begun = []
            else:
                assert fact.item_id not in begun
                begun.append(fact.item_id)
        started = list(dict.fromkeys(fact.item_id for fact in self.stage.of_kind(PlayoutStarted)))
        items_heard = list(dict.fromkeys(self.samples[value][0] for value in heard))
        assert started == [item_id for item_id in items_heard if item_id in started]
        assert set(items_heard) - set(started) <= {self.samples[value][0] for value in heard if value < self.kept_from}
        if self.plays:
            assert self.stage.facts[-1] == PlayoutDrained(self.plays)


@settings(deadline=None, max_examples=150)
@given(steps=STEPS, capacity_ms=st.sampled_from([20, 47, 100, 1000]))
def test_whatever_happens_what_was_heard_is_known_exactly(steps: list[Step], capacity_ms: int) -> None:
    async def play() -> None:
        async with staged(HandSink(capacity_ms=capacity_ms)) as stage:
            model = Model(stage)
            for step in steps:
                await model.take(step)
            await model.finish()

    run_virtually(play())


@settings(deadline=None, max_examples=60)
@given(
    rate_hz=st.sampled_from([8_000, 16_000, 44_100, 48_000]),
    pieces=st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 2000)), min_size=1, max_size=6),
    advances=st.lists(st.integers(1, 3000), max_size=12),
    cleared=st.booleans(),
)
def test_heard_time_is_that_of_the_sink_at_any_rate(
    rate_hz: int, pieces: list[tuple[str, int]], advances: list[int], *, cleared: bool
) -> None:
    async def play() -> None:
        async with staged(HandSink(rate_hz)) as stage:
            ordered = sorted(pieces)
            lengths: dict[str, int] = {}
            for item_id, samples in ordered:
                stage.playout.play(item_id, 0, bytes(2 * samples))
                lengths[item_id] = lengths.get(item_id, 0) + samples

            def heard_ms() -> float:
                position = stage.playout.position()
                before = sum(samples for item_id, samples in lengths.items() if item_id < (position.item_id or ""))
                return before / MS + position.heard_ms

            for advance in advances:
                await stage.pass_ms(20)
                stage.sink.advance(advance)
                played_ms = stage.sink.played_samples * 1000 / rate_hz
                total_ms = sum(lengths.values()) / MS
                assert min(played_ms, total_ms) - 22 <= heard_ms() <= played_ms + 1e-6
            if cleared:
                await stage.playout.clear()
                before_ms = heard_ms()
                await stage.listen(5)
                assert heard_ms() == before_ms
                stage.playout.play("d", 0, bytes(2 * 2400))
                lengths["d"] = 2400
            for _ in range(sum(lengths.values()) // FRAME + 10):
                await stage.listen(1)
            last = max(lengths)
            assert stage.playout.position() == PlayoutPosition(last, lengths[last] / MS)
            assert stage.facts[-1] == PlayoutDrained(len(ordered) + cleared)

    run_virtually(play())


@in_virtual_time
async def test_a_cue_is_heard_in_order_and_is_in_no_position() -> None:
    recorded = bytearray()
    async with staged(record=lambda pcm, _: recorded.extend(pcm)) as stage:
        stage.playout.sound(ramp(0, 5 * FRAME))
        await stage.listen(2)
        assert stage.playout.position() == NOTHING_HEARD
        stage.playout.play("a", 0, ramp(10_000, 10 * FRAME))
        stage.playout.sound(ramp(30_000, 2 * FRAME))
        await stage.listen(3)
        assert stage.playout.position() == NOTHING_HEARD
        assert stage.facts == []
        await stage.listen(4)
        assert stage.playout.position() == PlayoutPosition("a", 80.0)
        assert stage.facts == [PlayoutStarted("a")]
        await stage.listen(7)
        assert stage.playout.position() == PlayoutPosition("a", 200.0)
        await stage.listen(2)
    whole = ramp(0, 5 * FRAME) + ramp(10_000, 10 * FRAME) + ramp(30_000, 2 * FRAME)
    assert bytes(stage.sink.heard) == whole
    assert bytes(recorded) == whole
    assert stage.facts == [PlayoutStarted("a"), PlayoutDrained(1)]


@in_virtual_time
async def test_a_cue_that_is_cut_leaves_the_position_where_it_was() -> None:
    async with staged() as stage:
        stage.playout.play("a", 0, ramp(0, 2 * FRAME))
        stage.playout.sound(ramp(0, 10 * FRAME))
        await stage.listen(4)
        await stage.playout.clear()
        assert stage.playout.position() == PlayoutPosition("a", 40.0)
        stage.playout.play("a", 0, ramp(2 * FRAME, 5 * FRAME))
        await stage.listen(1)
        assert stage.playout.position() == PlayoutPosition("a", 60.0)


@in_virtual_time
async def test_cues_are_no_item_that_ran_dry() -> None:
    async with staged() as stage:
        for _ in range(2):
            stage.playout.sound(ramp(0, 5 * FRAME))
            await stage.listen(8)
    assert stage.playout.underruns == 0


@in_virtual_time
async def test_deep_sink_is_given_more_at_a_time_and_what_was_heard_stays_exact() -> None:
    async with staged(HandSink(capacity_ms=5000)) as stage:
        stage.playout.play("a", 0, ramp(0, 100 * FRAME))
        stage.playout.play("b", 0, ramp(0, 10 * FRAME))
        await stage.pass_ms(1)
        assert sum(stage.sink.given) == 110 * FRAME
        assert stage.sink.given[:10] == [FRAME] * 10, "a sink with a small buffer keeps its frames"
        assert max(stage.sink.given) == 10 * FRAME
        stage.sink.advance(100 * FRAME + 1)
        assert stage.playout.position() == PlayoutPosition("b", 1 / MS)
        await stage.playout.clear()
        assert stage.playout.position() == PlayoutPosition("b", 1 / MS)
        assert len(stage.sink.heard) == 2 * (100 * FRAME + 1)


@in_virtual_time
async def test_beginning_of_an_item_is_told_within_a_frame_however_much_was_before_it() -> None:
    async with staged(HandSink(capacity_ms=5000)) as stage:
        stage.playout.play("a", 0, ramp(0, 50 * FRAME))
        stage.playout.play("b", 0, ramp(0, 5 * FRAME))
        await stage.listen(50)
        assert stage.facts == [PlayoutStarted("a")]
        stage.sink.advance(FRAME)
        await stage.pass_ms(21)
        assert stage.facts == [PlayoutStarted("a"), PlayoutStarted("b")]
        await stage.listen(5)
        assert stage.facts[2:] == [PlayoutDrained(2)]
