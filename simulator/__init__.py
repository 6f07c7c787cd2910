"""A Realtime API server on loopback: strict, scriptable, faulty on demand, and able to hear and speak offline.

As a program: `python -m simulator [--port 0] [--api-key KEY] [--brain home|scripted] [--script FILE] [--record FILE]`
prints `listening on http://127.0.0.1:PORT/v1` and serves until SIGTERM.

In a test:

    brain = ScriptedBrain(Turn(heard="hello", plans=(Plan((Say("Good morning.", seconds=2.0),)),)))
    async with Simulator(brain, api_key="secret") as simulator:
        ...  # connect a client to simulator.base_url
        await simulator.wait_for("session.update")            # a client event, past or future
        await simulator.wait_for_sent("response.done")        # a server event
        assert simulator.violations == []                     # what a correct client never does
        assert simulator.errors == []                         # what the server rejected

- `Simulator`: `base_url`, `client_events`, `server_events` (dicts with `.at_s` and `.connection`), `connections`,
  `requests`, `errors`, `violations`, `on_client_event`, `on_server_event`, `behaviour`, `wait_for`, `wait_for_sent`,
  `stop`.
- `Connection` (`simulator.connections[-1]`): `client_events`, `server_events`, `session.conversation.items`,
  `close_code`, `closed`; makes trouble by `send(event)`, `send_raw(frame)`, `close(code, reason)`, `cut()`.
- `Behaviour`: speed and size of audio deltas, late deltas after a cancel, length of a session, refusals at connect.
- `ScriptedBrain(*turns, plans=…, respond_with=…)`: `Turn(heard, plans)`, `Plan(steps, delay_s, before)`; steps are
  `Say`, `Call`, `RemoteCall` (of an MCP server whose tools are in `Behaviour.mcp_tools`) and the faults `Fail`,
  `Incomplete`, `Cut`, `CloseSocket`, `Garbage`, `Stall`, `NoAnswer`. Each response, also the one after tool outputs,
  takes the next plan; `Say exactly: "…"` in its instructions takes none.
- Chat completions for subagents are answered by the same brain, asked in writing.
- `simulator.home.HomeBrain`: recognises speech (pocketsphinx), picks tools and speaks (flite); needs both installed.
"""

from .connection import Connection
from .errors import SimulatorSetupError
from .options import MODELS, REFUSALS, Behaviour
from .plan import (
    Brain,
    Call,
    CloseSocket,
    Context,
    Cut,
    Fail,
    Fault,
    Garbage,
    Heard,
    Incomplete,
    NoAnswer,
    Plan,
    RemoteCall,
    Say,
    Stall,
    Step,
    tone,
)
from .record import Event
from .scripted import ScriptedBrain, Turn
from .server import Simulator

__all__ = [
    "MODELS",
    "REFUSALS",
    "Behaviour",
    "Brain",
    "Call",
    "CloseSocket",
    "Connection",
    "Context",
    "Cut",
    "Event",
    "Fail",
    "Fault",
    "Garbage",
    "Heard",
    "Incomplete",
    "NoAnswer",
    "Plan",
    "RemoteCall",
    "Say",
    "ScriptedBrain",
    "Simulator",
    "SimulatorSetupError",
    "Stall",
    "Step",
    "Turn",
    "tone",
]
