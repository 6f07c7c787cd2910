"""Typed text: the agent is a conversation agent of Home Assistant."""

from typing import Any

from .house import House

AGENT = "conversation.voice_agent"


async def test_typed_text_acts_on_the_house(house: House) -> None:
    answer = await process(house, "turn on the bedroom light")
    assert house.api.state("light.bedroom_light") == "on"
    assert "bedroom light" in speech(answer)
    again = await process(house, "is the bedroom light on", conversation_id=answer["conversation_id"])
    assert again["conversation_id"] == answer["conversation_id"]
    assert "on" in speech(again).replace(",", " ").split()


async def test_typed_nonsense_changes_nothing(house: House) -> None:
    mark = len(house.api.changes)
    assert speech(await process(house, "purple monkeys dance under seventeen bananas"))
    assert not [change for change in house.api.changes[mark:] if change[0].startswith(("light.", "lock.", "cover."))]


async def process(house: House, text: str, **options: Any) -> dict[str, Any]:
    answer: dict[str, Any] = await house.api.call(
        "conversation/process", text=text, agent_id=AGENT, language="en", **options
    )
    assert answer["response"]["response_type"] == "action_done"
    return answer


def speech(answer: dict[str, Any]) -> str:
    return str(answer["response"]["speech"]["plain"]["speech"])
