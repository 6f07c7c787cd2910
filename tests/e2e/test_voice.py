"""Real speech through a virtual sound card to the agent, and what happens in the house."""

from demo.speech import speech_s
from demo.talk import words_in_common

from .conftest import OpenHouse
from .house import House
from .recogniser import recognise

DECOYS = ("sorry i did not understand that", "the front door is locked", "i turned off the bedroom light")


async def test_the_light_goes_on_by_voice(house: House) -> None:
    outcome = await house.say("turn on the kitchen lights")
    assert outcome.problems() == []
    assert house.api.state("light.kitchen_light") == "on"
    assert outcome.changes == {"light.kitchen_light": ("off", "on")}
    assert words_in_common("turn on kitchen lights", " ".join(outcome.heard())) == 1
    assert [(tool["name"], tool["ok"]) for tool in outcome.tools] == [("intent__HassTurnOn", True)]
    assert outcome.end_reason == "stopped"
    said = "i turned on the kitchen lights"
    assert recognise(house.answer, said, *DECOYS) == said


async def test_another_voice_is_understood_too(house: House) -> None:
    outcome = await house.say("open the living room blinds", voice="rms")
    assert outcome.problems() == []
    await house.until_state("cover.living_room_blinds", "open")


async def test_a_question_is_answered_with_the_true_state(house: House) -> None:
    before = house.api.state("sensor.bedroom_temperature")
    outcome = await house.say("is the front door locked", "what is the temperature in the bedroom")
    assert outcome.problems() == []
    assert outcome.changes == {}
    temperatures = {before, house.api.state("sensor.bedroom_temperature")}
    about_the_door, about_the_bedroom = outcome.answers()
    assert "locked" in about_the_door
    assert "not" not in about_the_door
    assert any(str(temperature) in about_the_bedroom for temperature in temperatures)


async def test_the_same_question_has_another_answer_when_the_state_is_another(house: House) -> None:
    await house.api.perform("lock.unlock", entity_id="lock.front_door")
    outcome = await house.say("is the front door locked")
    assert outcome.problems() == []
    (answer,) = outcome.answers()
    assert "unlocked" in answer or "not locked" in answer


async def test_two_devices_in_one_sentence_are_two_calls_and_one_answer(house: House) -> None:
    before = len(house.simulator.events())
    outcome = await house.say("turn on the kitchen light and the hall light")
    assert outcome.problems() == []
    assert outcome.changes == {"light.kitchen_light": ("off", "on"), "light.hall_light": ("off", "on")}
    assert len(outcome.tools) == 2
    assert len(outcome.answers()) == 1
    sent = [line["event"] for line in house.simulator.events()[before:] if line["from"] == "client"]
    kinds = [event["type"] for event in sent]
    outputs = [event["item"]["type"] for event in sent if event["type"] == "conversation.item.create"]
    assert outputs == ["function_call_output"] * 2
    assert kinds.count("response.create") == 1


async def test_nonsense_changes_nothing(house: House) -> None:
    outcome = await house.say("purple monkeys dance under seventeen bananas")
    assert outcome.tools == []
    assert outcome.changes == {}
    assert len(outcome.answers()) == 1
    said = "sorry i did not understand that"
    assert recognise(house.answer, said, "i turned on the kitchen lights", *DECOYS[1:]) == said


async def test_the_entities_tell_what_happens(house: House) -> None:
    mark = len(house.api.changes)
    outcome = await house.say("turn on the hall light")
    assert outcome.problems() == []
    path = [after for entity_id, _, after in house.api.changes[mark:] if entity_id == "sensor.local_satellite_status"]
    assert path[-1] == "idle"
    assert [state for state in path if state in {"listening", "thinking", "speaking"}][:3] == [
        "listening",
        "thinking",
        "speaking",
    ]
    transcript = house.api.states["sensor.local_satellite_user_transcript"]
    assert words_in_common("turn on hall light", transcript["attributes"]["text"]) == 1
    assert house.api.state("sensor.local_satellite_last_tool") == "intent__HassTurnOn"
    latency = house.api.state("sensor.local_satellite_response_latency")
    assert latency is not None
    assert float(latency) > 0


async def test_a_house_without_a_sound_server_hears_and_speaks_by_files(own_house: OpenHouse) -> None:
    async with own_house(files=True) as house:
        outcome = await house.say("turn on the kitchen lights")
        assert outcome.problems() == []
        assert house.api.state("light.kitchen_light") == "on"
        assert speech_s(house.answer) > 0.5
        said = "i turned on the kitchen lights"
        assert recognise(house.answer, said, *DECOYS) == said
        house.check()


async def test_a_lock_opens_only_with_the_user_s_word(house: House) -> None:
    outcome = await house.say("unlock the front door", "no thanks")
    assert [tool["ok"] for tool in outcome.tools] == [False]
    assert house.api.state("lock.front_door") == "locked"
    outcome = await house.say("unlock the front door", "yes")
    assert [tool["ok"] for tool in outcome.tools] == [False, True]
    assert outcome.problems() == []
    await house.until_state("lock.front_door", "unlocked")
