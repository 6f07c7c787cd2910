"""`python -m tests.resilience.soak.far_end`: a simulator with a random model, in a process of its own, for hours.

It prints its address, serves until its standard input is closed, and then prints what clients did wrong as JSON.
"""

import asyncio
import json
import random
import sys
from typing import override

from simulator import Behaviour, Event, Simulator

from .account import CROSSED
from .exchange import TOOL_RUNS
from .model import RandomModel

_TIDY_S = 5.0


class ForgetfulSimulator(Simulator):
    """Keeps no events, and of connections that have ended only what was wrong."""

    remembers = False

    def __init__(self, model: RandomModel) -> None:
        super().__init__(model, behaviour=Behaviour(speed=4.0, session_s=400.0))
        self.model = model
        self.wrong: list[str] = []
        self.served = 0

    @override
    def client_event(self, event: Event) -> None: ...

    @override
    def server_event(self, event: Event) -> None:
        if event["type"] == "error" and event["error"]["type"] != "server_error":
            code = event["error"]["code"]
            if code not in CROSSED and code != "session_expired":
                self.wrong.append(f"the provider refused: {event['error']}")

    def tidy(self) -> None:
        """Forget what is over."""
        self.model.forget()
        self.requests.clear()
        for connection in self.connections:
            connection.client_events.clear()
            connection.server_events.clear()
            self.wrong += connection.session.violations
            connection.session.violations.clear()
            if connection.closed.is_set():
                connection.session.conversation.items.clear()

    def report(self) -> str:
        wrong = [text for text in self.wrong if not text.startswith(TOOL_RUNS)]
        return json.dumps({"connections": len(self.connections), "wrong": wrong})


async def main(seed: int) -> None:
    simulator = ForgetfulSimulator(RandomModel(random.Random(seed), writes_all=True))
    async with simulator:
        print(simulator.base_url, flush=True)
        over = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        while not over.done():
            await asyncio.wait([over], timeout=_TIDY_S)
            simulator.tidy()
    print(simulator.report(), flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
