"""A real telephone calls Home Assistant's voip integration, whose voice assistant is the agent."""

import shutil

from demo.house import ENTRIES

from .assist import STATUS, create_voice_assistant
from .conftest import OpenHouse, need
from .phone import MODULES, free_udp_port, telephone
from .recogniser import recognise
from .test_voice import DECOYS

SATELLITE = "assist_satellite.127_0_0_1"
ALLOW = "switch.127_0_0_1_allow_calls"


async def test_a_call_turns_on_a_light_and_is_answered_in_the_model_s_own_voice(own_house: OpenHouse) -> None:
    need(shutil.which("baresip") and MODULES, "baresip")
    async with own_house(files=True) as house, telephone(house.folder / "phone") as phone:
        api = house.api
        await create_voice_assistant(api)
        port = free_udp_port()
        step = await api.flow(f"{ENTRIES}/flow", {"handler": "voip"}, ({},))
        assert step["type"] == "create_entry", step
        await api.flow(f"{ENTRIES}/options/flow", {"handler": step["result"]["entry_id"]}, ({"sip_port": port},))

        # Who calls for the first time is told that nobody has allowed it yet.
        await phone.call(port)
        await house.until_state(ALLOW, "off")
        await phone.hang_up()
        await api.perform("switch.turn_on", entity_id=ALLOW)
        await house.until_state(ALLOW, "on")

        await phone.call(port)
        await house.until_state(SATELLITE, "listening")
        await phone.say("turn on the kitchen lights")
        await house.until_state("light.kitchen_light", "on", within_s=60)
        await house.until_state(STATUS, "speaking", within_s=30)
        # When it has said everything, it listens again.
        await house.until_state(SATELLITE, "listening", within_s=30)
        recording = await phone.hang_up()
        await house.until_state(STATUS, "idle", within_s=30)

        said = "i turned on the kitchen lights"
        assert recognise(recording, said, *DECOYS) == said
        house.check()
