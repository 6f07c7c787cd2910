"""What the agents can do: tools that are quick, slow, broken, endless, and those that tell how it is going."""

import asyncio
import random
from collections import Counter

from custom_components.rtvoice.engine import ActionResult, Tools


def random_tools(chance: random.Random, ran: Counter[str]) -> Tools:
    """All of them; `ran` counts how often each call was carried out."""
    tools = Tools()
    _add_quick(tools, ran)
    _add_broken(tools, ran)
    _add_slow(tools, chance, ran)
    return tools


def _add_quick(tools: Tools, ran: Counter[str]) -> None:
    @tools.action("Done at once.")
    async def quick(call: str) -> str:
        ran[call] += 1
        return "done"

    @tools.action("Runs in a thread.")
    def blocking(call: str) -> str:
        ran[call] += 1
        return "done"


def _add_broken(tools: Tools, ran: Counter[str]) -> None:
    @tools.action("Does not work.")
    async def failing(call: str) -> str:
        ran[call] += 1
        raise ValueError(call)

    @tools.action("Never ends.", timeout=4.0)
    async def endless(call: str) -> str:
        ran[call] += 1
        await asyncio.sleep(1000)
        return "never"


def _add_slow(tools: Tools, chance: random.Random, ran: Counter[str]) -> None:
    @tools.action("Takes a while.", status="It takes a while.")
    async def slow(call: str) -> str:
        ran[call] += 1
        await asyncio.sleep(chance.uniform(0.5, 20))
        return "done"

    @tools.action("Can be stopped.", cancel_on_interrupt=True)
    async def stoppable(call: str) -> str:
        ran[call] += 1
        await asyncio.sleep(chance.uniform(1, 15))
        return "done"

    @tools.action("Is not spoken about.", respond=False)
    async def silent(call: str) -> str:
        ran[call] += 1
        await asyncio.sleep(chance.uniform(0, 2))
        return "done"

    @tools.action("Something is said meanwhile.", holding_instruction="Say that it takes a moment.")
    async def holding(call: str) -> str:
        ran[call] += 1
        await asyncio.sleep(chance.uniform(2, 6))
        return "done"

    @tools.action("Tells how it is going.")
    async def telling(call: str):
        ran[call] += 1
        for step in range(3):
            await asyncio.sleep(chance.uniform(0.5, 3))
            yield f"step {step}"
        yield ActionResult.success("done")
