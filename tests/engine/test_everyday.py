from datetime import datetime
from zoneinfo import ZoneInfo

from custom_components.rtvoice.engine import (
    AgentState,
    EndReason,
    Tools,
    UpdateSpeechSpeedCommand,
    add_current_time,
    add_end_conversation,
    add_set_speech_speed,
    add_set_volume,
)
from custom_components.rtvoice.engine.conversation import effects as e
from custom_components.rtvoice.engine.conversation import facts as f
from custom_components.rtvoice.engine.conversation.values import ResponseStatus, ToolCall
from custom_components.rtvoice.engine.errors import SinkError

from .fakes import FakeSpeaker
from .test_agent import Rig
from .virtual_time import run

COMPLETED = ResponseStatus.COMPLETED


def test_the_agent_says_goodbye_before_the_conversation_ends() -> None:
    async def main():
        tools = Tools()
        add_end_conversation(tools)
        rig = Rig(tools=tools)
        task = await rig.start()
        connection = rig.provider.connection
        rig.call("end_conversation")
        await rig.until(lambda: connection.sent(e.CreateResponse))
        assert "goodbye" in connection.sent(e.CreateResponse)[0].instructions
        connection.feed(
            f.ResponseStarted("r2"),
            f.AudioDelta("r2", "i2", 0, bytes(48000)),
            f.TranscriptFinished("r2", "i2", 0, "Good night!"),
            f.ResponseFinished("r2", ResponseStatus.COMPLETED),
        )
        await rig.until(lambda: rig.agent.state is AgentState.SPEAKING)
        result = await task
        assert result.end_reason is EndReason.STOPPED
        assert [(turn.transcript, turn.interrupted) for turn in result.turns] == [("Good night!", False)]

    run(main())


def test_the_agent_speaks_slower_when_asked() -> None:
    async def main():
        tools = Tools()
        add_set_speech_speed(tools)
        rig = Rig(tools=tools)
        commands = []

        async def note(command) -> None:
            commands.append(command)

        rig.bus.subscribe(UpdateSpeechSpeedCommand, note)
        task = await rig.start()
        rig.call("set_speech_speed", '{"speed": 0.5}')
        sent = rig.provider.connection.sent
        await rig.until(lambda: sent(e.UpdateSession))
        assert sent(e.UpdateSession)[0].speech_speed == 0.5
        await rig.until(lambda: sent(e.CreateResponse))
        calls = (ToolCall("c2", "set_speech_speed", '{"speed": 9}'),)
        rig.provider.connection.feed(f.ResponseStarted("r2"), f.ResponseFinished("r2", ResponseStatus.COMPLETED, calls))
        await rig.until(lambda: len(sent(e.SendToolOutput)) == 2)
        assert "less than or equal to 1.5" in sent(e.SendToolOutput)[1].output
        assert commands == [UpdateSpeechSpeedCommand(0.5)]
        await rig.agent.stop()
        await task

    run(main())


async def test_the_time_is_told() -> None:
    tools = Tools()
    add_current_time(tools, lambda: datetime(2026, 11, 24, 9, 5, tzinfo=ZoneInfo("Europe/Berlin")))
    outcome = await tools.run(ToolCall("c", "current_time", "{}"))
    assert outcome.output == "Tuesday, 2026-11-24 09:05:00 CET"
    tools = Tools()
    add_current_time(tools)
    assert str(datetime.now().astimezone().year) in (await tools.run(ToolCall("c", "current_time", "{}"))).output


class Radio(FakeSpeaker):
    """A speaker with a knob, which turns in steps of five percent and may be stuck."""

    def __init__(self, volume: float) -> None:
        super().__init__()
        self.volume = volume
        self.stuck = False

    async def set_volume(self, volume: float) -> None:
        if self.stuck:
            raise SinkError("The knob is stuck")
        self.volume = round(volume * 20) / 20


def asked_for_volume(speaker: FakeSpeaker, *calls: str) -> list[str]:
    async def main() -> list[str]:
        tools = Tools()
        add_set_volume(tools)
        rig = Rig(tools=tools, audio_output=speaker)
        task = await rig.start()
        connection = rig.provider.connection
        for n, arguments in enumerate(calls):
            wanted = (ToolCall(f"c{n}", "set_volume", arguments),)
            connection.feed(f.ResponseStarted(f"r{n}"), f.ResponseFinished(f"r{n}", COMPLETED, wanted))
            await rig.until(lambda n=n: len(connection.sent(e.CreateResponse)) == n + 1)
            connection.feed(f.ResponseStarted(f"a{n}"), f.ResponseFinished(f"a{n}", COMPLETED))
        told = [command.output for command in connection.sent(e.SendToolOutput)]
        await rig.agent.stop()
        await task
        return told

    return run(main())


def test_the_volume_is_set_to_a_level_or_by_a_step() -> None:
    radio = Radio(0.5)
    assert asked_for_volume(radio, '{"percent": 30}', '{"change": 15}', '{"change": -10}') == [
        "The volume was 50 percent and is 30 percent now.",
        "The volume was 30 percent and is 45 percent now.",
        "The volume was 45 percent and is 35 percent now.",
    ]
    assert radio.volume == 0.35


def test_quieter_is_not_silent_unless_that_is_asked_for() -> None:
    radio = Radio(0.1)
    said = asked_for_volume(radio, '{"change": -50}', '{"percent": 0}', '{"change": -50}', '{"change": 100}')
    assert [text.split(" is ")[1] for text in said] == [
        "5 percent now.",
        "0 percent now.",
        "0 percent now.",
        "100 percent now.",
    ]


def test_a_speaker_without_a_volume_is_told_of_in_words() -> None:
    (told,) = asked_for_volume(FakeSpeaker(), '{"percent": 30}')
    assert "The volume of this speaker cannot be changed from here" in told


def test_a_speaker_that_refuses_is_told_of_in_words() -> None:
    radio = Radio(0.5)
    radio.stuck = True
    (told,) = asked_for_volume(radio, '{"percent": 30}')
    assert "The knob is stuck" in told


def test_a_volume_is_either_a_level_or_a_step() -> None:
    told = asked_for_volume(Radio(0.5), "{}", '{"percent": 30, "change": 5}', '{"percent": 130}')
    assert ["Give either percent or change" in text for text in told] == [True, True, False]
    assert "less than or equal to 100" in told[2]
