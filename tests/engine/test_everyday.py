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
)
from custom_components.rtvoice.engine.conversation import effects as e
from custom_components.rtvoice.engine.conversation import facts as f
from custom_components.rtvoice.engine.conversation.values import ResponseStatus, ToolCall

from .test_agent import Rig
from .virtual_time import run


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
