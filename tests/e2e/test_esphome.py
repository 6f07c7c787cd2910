"""Voice devices at Home Assistant's ESPHome integration, whose voice assistant is the agent."""

from demo.house import ENTRIES

from .assist import STATUS, create_voice_assistant
from .conftest import OpenHouse
from .esphome import VoiceDevice, voice_device
from .house import House
from .recogniser import recognise
from .test_voice import DECOYS

SATELLITE = "assist_satellite.desk_device_assist_satellite"
ANSWER = "i turned on the kitchen lights"
QUESTION = "i need your word for this front door shall i do it"


async def add(house: House, device: VoiceDevice) -> None:
    """Add a device as its owner does, and let it find Home Assistant."""
    await house.api.call("config/core/update", internal_url=house.home.url)
    await create_voice_assistant(house.api)
    address = {"host": "127.0.0.1", "port": device.port}
    step = await house.api.flow(f"{ENTRIES}/flow", {"handler": "esphome"}, (address,))
    assert step["type"] == "create_entry", step
    await device.did("subscribed")
    await house.until_state(SATELLITE, "idle")


async def test_a_device_with_a_speaker_turns_on_a_light_and_asks_before_it_opens_the_door(own_house: OpenHouse) -> None:
    async with own_house(files=True) as house, voice_device(house.folder / "device", "speaker") as device:
        await add(house, device)
        device.wake()
        await device.say("turn on the kitchen lights")
        await house.until_state("light.kitchen_light", "on", within_s=60)
        await device.did("idle")
        assert recognise(device.heard(house.answer), ANSWER, *DECOYS) == ANSWER

        device.wake()
        await device.say("unlock the front door")
        # The answer is a question, so that it listens again by itself.
        await device.did("listening", times=3)
        assert recognise(device.heard(house.answer), QUESTION, *DECOYS) == QUESTION
        assert house.api.state("lock.front_door") == "locked"
        await device.say("yes")
        await house.until_state("lock.front_door", "unlocked")
        await device.did("idle", times=2)
        await house.until_state(STATUS, "idle", within_s=30)
        assert house.simulator.sent("conversation.item.truncate") == []
        house.check()


async def test_a_device_with_a_media_player_turns_on_a_light_and_announces(own_house: OpenHouse) -> None:
    async with own_house(files=True) as house, voice_device(house.folder / "device", "player") as device:
        await add(house, device)
        device.wake()
        await device.say("turn on the kitchen lights")
        await house.until_state("light.kitchen_light", "on", within_s=60)
        await device.did("INTENT_PROGRESS.*tts_start_streaming")
        await device.did("idle")
        assert recognise(device.heard(house.answer), ANSWER, *DECOYS) == ANSWER

        words = "the front door is locked"
        announcement = {"message": words, "preannounce": False}
        await house.api.perform("assist_satellite.announce", announcement, entity_id=SATELLITE)
        assert recognise(device.heard(house.answer), words, ANSWER, DECOYS[0]) == words
        await house.until_state(STATUS, "idle", within_s=30)
        house.check()
