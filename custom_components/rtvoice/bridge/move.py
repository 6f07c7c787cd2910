"""Carrying a live conversation to another satellite."""

from dataclasses import replace
from typing import Final

from ..engine import AgentState
from .errors import refused
from .live import LiveSession
from .parties import Satellite
from .request import SessionRequest
from .runtime import Runtime

_GO_ON: Final = (
    "The conversation has just been moved to this place while it was your turn. "
    "Go on where you were last heard, or answer what was said last. Do not greet and do not begin anew."
)


async def async_move(session: LiveSession, satellite: Satellite) -> LiveSession:
    """Let a conversation go on at another satellite with the same agent, which says nothing unless it was its turn.

    The session where it was ends when the new one is ready. Until then it runs on without hearing, and when the new
    one turns out to be impossible, it hears again. Raises what `Runtime.async_start` raises, and
    ServiceValidationError when the conversation ends meanwhile.
    """
    if satellite is session.satellite:
        return session
    runtime: Runtime = satellite.entry.runtime_data
    successor = runtime.begin(satellite, _onward(session), session.agent)
    try:
        await session.async_deafen(deaf=True)
        await _async_ready(successor, session)
    except BaseException:
        await successor.async_stop()
        await session.async_deafen(deaf=False)
        raise
    await session.async_continue_in(successor)
    return successor


async def _async_ready(successor: LiveSession, session: LiveSession) -> None:
    await successor.async_wait_connected()
    if not (successor.live and session.live):
        raise refused("not_in_session")


def _onward(session: LiveSession) -> SessionRequest:
    snapshot = session.observer.snapshot
    agents_turn = snapshot.status in (AgentState.THINKING, AgentState.SPEAKING)
    return replace(session.request, message=None, prompt=_GO_ON if agents_turn else None, history=session.turns)
