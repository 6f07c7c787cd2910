"""Leave is what the user who was asked says in a later turn to a question that named the thing, and nothing else."""

from typing import Any

from homeassistant.components import conversation
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.rtvoice.bridge.policy.pin import LOCKED_S, MAX_TRIES, PinTries
from custom_components.rtvoice.bridge.policy.sensitive import async_name
from custom_components.rtvoice.bridge.policy.words import names_all
from simulator import ScriptedBrain
from tests.ha.house import AGENT, context_of, state_of
from tests.ha.test_policy import (
    LOCK,
    PIN,
    Schemer,
    async_build_locks,
    say,
    set_options,
    unlock,
    unlock_with_token,
    write,
)

QUESTION = "Shall I unlock the front door?"
DAY_S = 86_400.0


async def write_as(hass: HomeAssistant, user: MockUser, text: str, chat: str | None = None) -> str:
    """Write to the agent as a user."""
    result = await conversation.async_converse(hass, text, chat, context_of(user), language="en", agent_id=AGENT)
    assert result.conversation_id is not None
    return result.conversation_id


async def test_the_yes_of_another_user_in_the_same_conversation(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    setup_integration: MockConfigEntry,
    hass_admin_user: MockUser,
    hass_owner_user: MockUser,
) -> None:
    await async_build_locks(hass)
    schemer = Schemer(brain, unlock(), say(QUESTION))
    chat = await write_as(hass, hass_owner_user, "Unlock the front door")
    token = schemer.told[0]["token"]
    schemer.steps = [unlock(confirmation_token=token), say("Hm.")]
    assert await write_as(hass, hass_admin_user, "Yes, please", chat) == chat
    assert schemer.told[-1]["error"] == "unknown_token"
    assert state_of(hass, LOCK).state == "locked"
    schemer.steps = [unlock_with_token(), say("It is open.")]
    await write_as(hass, hass_owner_user, "Yes", chat)
    assert state_of(hass, LOCK).state == "unlocked"


async def test_a_pin_is_tried_as_often_in_many_sessions_as_in_one(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    """Neither a new conversation nor loading the account anew gives further tries; another PIN does."""
    await async_build_locks(hass)
    set_options(hass, setup_integration, sensitive_permission="pin", pin=PIN)
    schemer = Schemer(brain)
    for guess in ("1111", "2222", "3333"):
        schemer.steps = [unlock(), say("The PIN for the front door?")]
        chat = await write(hass, "Unlock the front door")
        schemer.steps = [unlock_with_token(), say("Hm.")]
        await write(hass, guess, chat)
        assert await hass.config_entries.async_reload(setup_integration.entry_id)
        await hass.async_block_till_done()
    schemer.steps = [unlock(), say("Hm.")]
    await write(hass, "Unlock the front door")
    assert schemer.told[-1]["error"] == "locked"
    assert state_of(hass, LOCK).state == "locked"
    set_options(hass, setup_integration, sensitive_permission="pin", pin="0815")
    schemer.steps = [unlock(), say("The PIN for the front door?")]
    chat = await write(hass, "Unlock the front door")
    schemer.steps = [unlock_with_token(), say("It is open.")]
    await write(hass, "0815", chat)
    assert state_of(hass, LOCK).state == "unlocked"


def test_a_pin_cannot_be_found_by_patience() -> None:
    """Whoever tries for a month, however they space their tries, has tried a few hundred of ten thousand numbers."""
    for pause_s in (0.0, LOCKED_S, 3600.0, DAY_S):
        tries, now_s, tried = PinTries(), 0.0, 0
        while now_s < 30 * DAY_S:
            if not tries.locked(now_s):
                assert tries.check(PIN, f"{tried % 1000:04}", now_s) is False
                tried += 1
                # The cleverest pause is the one that is not noticed: after two of three.
                now_s += pause_s if tried % (MAX_TRIES - 1) == 0 else 0.0
            now_s += 60.0
        assert tried < 500, pause_s
        assert tries.check(PIN, PIN, now_s + 2 * DAY_S) is True


def test_a_yes_to_something_that_sounds_alike() -> None:
    for said, name in (
        ("Shall I turn on the light?", "\N{LOCK}"),
        ("Shall I turn on the light?", "\N{DOOR}\N{VARIATION SELECTOR-16}"),
        ("Soll ich den Motor starten?", "Tor"),
        ("Shall I read you the history?", "Tor"),
        ("Shall I unlock door 2?", "Door 1"),
        ("Shall I unlock door twelve?", "Door 1"),
        ("Shall I water the outdoor plants?", "Door"),
    ):
        assert not names_all(said, (name,)), name


def test_a_yes_to_the_thing_itself() -> None:
    for said, name in (
        ("Soll ich das Tor öffnen?", "Tor"),
        ("Shall I unlock door one?", "Door 1"),
        ("Shall I unlock door 12?", "Door 12"),
        ("\u7384\u95a2\u3092\u958b\u3051\u307e\u3059\u304b\uff1f", "\u7384\u95a2"),
        ("\u3067\u306f\u7384\u95a2\u3092\u958b\u3051\u307e\u3059", "\u7384\u95a2"),
        ("\u05dc\u05e4\u05ea\u05d5\u05d7 \u05d0\u05ea \u05d4\u05d3\u05dc\u05ea?", "\u05d3\u05dc\u05ea"),
    ):
        assert names_all(said, (name,)), name


async def test_a_thing_without_a_word_for_a_name_has_that_of_its_id(hass: HomeAssistant) -> None:
    for name in ("\N{LOCK}", "", "   "):
        attributes: dict[str, Any] = {"friendly_name": name}
        hass.states.async_set("lock.front_door", "locked", attributes)
        assert async_name(hass, "lock.front_door") == "front door"
