"""Every call of every tool comes through here."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.json import json_dumps
from homeassistant.util import dt as dt_util

from ...engine import ConversationTurn
from ...engine.events import SessionEvent
from .calls import Answer, HomeTool, Touch
from .confirmations import Call, Confirmations, Verdict
from .dialogue import Dialogue
from .options import Permission, PolicyOptions
from .pin import PinMask, PinTries
from .sensitive import LOUD, async_matching, async_outside

TOKEN: Final = "confirmation_token"  # noqa: S105 - the name of an argument
WORDS_TIMEOUT_S: Final = 5.0
"""How long the transcript of what the user said may take: the model hears it sooner than it is written."""

_AGAIN: Final = "Nothing was done. Call the tool again without a token to ask anew."
_UNHEARD: Final = (
    "denied",
    "Nothing was done: this needs the user's confirmation, and what they say is not written down here. Tell them so.",
)
_VERDICTS: Final[Mapping[Verdict, tuple[str, str]]] = {
    Verdict.UNKNOWN: ("unknown_token", _AGAIN),
    Verdict.EXPIRED: ("expired", f"The confirmation came too late. {_AGAIN}"),
    Verdict.OTHER_CALL: ("other_call", f"The token belongs to another call. {_AGAIN}"),
    Verdict.NOT_ANSWERED: (
        "not_confirmed",
        "Nothing was done: the user has not answered. Only their own next turn counts. Ask, and wait for them.",
    ),
    Verdict.NOT_NAMED: ("not_named", f"Ask again, and name what it is about exactly as the result calls it. {_AGAIN}"),
    Verdict.REFUSED: ("refused", "Nothing was done: the user did not agree. Do not try again unless they ask for it."),
    Verdict.WRONG_PIN: ("wrong_pin", "Nothing was done: that was not the PIN. Ask the user to say it again."),
    Verdict.LOCKED: ("locked", "Nothing was done: the PIN was wrong too often. It cannot be tried now."),
}


@dataclass(frozen=True, slots=True)
class Trust:
    """What is remembered of a conversation: what was said in it, and what waits for the user's leave."""

    dialogue: Dialogue
    confirmations: Confirmations

    @classmethod
    def new(cls, options: PolicyOptions, tries: PinTries) -> Trust:
        """Of a conversation that begins."""
        return cls(Dialogue(), Confirmations(options.pin, tries))


class Guard:
    """Decides about each call of one session, and hides the PIN in what is told of it."""

    def __init__(
        self,
        hass: HomeAssistant,
        options: PolicyOptions,
        trust: Trust,
        *,
        device_id: str | None,
        hears_words: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hass = hass
        self._options = options
        self._trust = trust
        self._device_id = device_id
        self._hears_words = hears_words
        self._clock = clock
        self.admit: Callable[[], Awaitable[bool]] | None = None
        """Waited for before something is done: whether it is the agent's to do at all. None: it is."""
        self._mask = PinMask(options.pin, lambda: trust.confirmations.awaits_pin(clock()))

    @property
    def asks(self) -> bool:
        """Whether calls may have to be confirmed."""
        return self._options.asks

    @property
    def quiet(self) -> bool:
        """Whether nothing must be heard unasked now."""
        return self._options.quiet is not None and self._options.quiet.include(dt_util.now().time())

    @property
    def prompt(self) -> str:
        """What the model must know of calls from earlier in the conversation."""
        waiting = self._trust.confirmations.waiting(self._clock())
        return "\n".join(
            f"Waiting for the user's answer: {told}, with {TOKEN} {token}" for token, told in waiting.items()
        )

    def follow(self, turns: Callable[[], tuple[ConversationTurn, ...]], *, typed: bool) -> None:
        """Listen to a session; `typed` where the user writes instead of speaking."""
        self._trust.dialogue.follow(turns, typed=typed)

    def receive(self, event: SessionEvent) -> None:
        """Take in an event of the session."""
        if self._trust.dialogue.receive(event):
            self._trust.confirmations.consider(self._trust.dialogue.words(), self._clock())

    def hide(self, event: SessionEvent) -> SessionEvent:
        """The event as it may be shown and told."""
        return self._mask.event(event)

    def hide_in(self, text: str) -> str:
        """A text as it may be shown and told."""
        return self._mask.text(text)

    def hide_so_far(self, text: str) -> str:
        """Words that are not complete, as they may be shown and told."""
        return self._mask.so_far(text)

    async def async_call(self, tool: HomeTool, arguments: Mapping[str, Any]) -> Answer:
        """Run a call if it may run, else say why it does not or what it takes."""
        given = dict(arguments)
        token = given.pop(TOKEN, None)
        if tool.reads_only:
            return await tool.call(given)
        if self.admit is not None and not await self.admit():
            return _refusal("not_asked", "Nothing was done: somebody else has seen to what the user wanted.")
        touch = tool.touch(given)
        if denied := self._async_denied_here(tool, touch):
            return _refusal("denied", f"This satellite may not use: {', '.join(denied)}. Nothing was done.")
        permission, things = self._async_judge(tool, touch)
        match permission:
            case Permission.ALLOW:
                return await tool.call(given)
            case Permission.DENY:
                return _refusal("denied", f"Not allowed: {', '.join(things)}. Nothing was done; do not try again.")
            case Permission.CONFIRM | Permission.PIN:
                return await self._async_with_leave(tool, given, token, things, pin=permission is Permission.PIN)

    async def _async_with_leave(
        self, tool: HomeTool, arguments: dict[str, Any], token: object, things: tuple[str, ...], *, pin: bool
    ) -> Answer:
        if not self._hears_words:
            return _refusal(*_UNHEARD)
        identity = json_dumps([tool.name, sorted(arguments.items()), things, pin])
        if not token:
            return self._ask(Call(identity, f"{tool.definition.name} {json_dumps(arguments)}", things), pin=pin)
        verdict = await self._async_redeem(str(token), identity)
        if verdict is Verdict.GRANTED:
            return await tool.call(arguments)
        if verdict is Verdict.NOT_ANSWERED and self._trust.dialogue.unheard:
            return _refusal(*_UNHEARD)
        return _refusal(*_VERDICTS[verdict])

    async def _async_redeem(self, token: str, identity: str) -> Verdict:
        confirmations, dialogue = self._trust.confirmations, self._trust.dialogue
        while confirmations.hears_more(token, dialogue.words()) and await dialogue.async_wait(WORDS_TIMEOUT_S):
            confirmations.consider(dialogue.words(), self._clock())
        return confirmations.redeem(token, identity, dialogue.words(), self._clock())

    def _ask(self, call: Call, *, pin: bool) -> Answer:
        now_s = self._clock()
        confirmations, said = self._trust.confirmations, self._trust.dialogue.words()
        if pin and confirmations.locked(now_s):
            return _refusal(*_VERDICTS[Verdict.LOCKED])
        token = confirmations.issue(call, needs_pin=pin, said=said, now_s=now_s)
        wanted = "say the PIN for it" if pin else "confirm it"
        how = (
            f"Nothing was done yet. Ask the user aloud to {wanted}, naming it exactly as here. When they have answered "
            f"in their next turn, repeat this call with the same arguments and this {TOKEN}."
        )
        required = "pin_required" if pin else "confirmation_required"
        return Answer({required: ", ".join(call.things), "token": token, "how": how}, ok=False)

    @callback
    def _async_judge(self, tool: HomeTool, touch: Touch) -> tuple[Permission, tuple[str, ...]]:
        options = self._options
        things = async_matching(self._hass, options.sensitive, tool, touch)
        permission = options.permission if things else Permission.ALLOW
        if self.quiet:
            loud = () if touch.quietens else async_matching(self._hass, LOUD, tool, touch)
            if things or loud:
                permission = permission.or_stricter(options.quiet_permission)
            things = things or loud
        return permission, things

    @callback
    def _async_denied_here(self, tool: HomeTool, touch: Touch) -> tuple[str, ...]:
        options = self._options
        if not self._async_restricted():
            return ()
        if options.restricted_only and (outside := async_outside(self._hass, options.restricted_only, tool, touch)):
            return outside
        denied = options.restricted_denied or (() if options.restricted_only else options.sensitive)
        return async_matching(self._hass, denied, tool, touch)

    @callback
    def _async_restricted(self) -> bool:
        """Whether the satellite that is spoken to has fewer rights."""
        registry = er.async_get(self._hass)
        entries = (registry.async_get(entity_id) for entity_id in self._options.restricted_satellites)
        return self._device_id is not None and any(
            entry is not None and entry.device_id == self._device_id for entry in entries
        )


def _refusal(error: str, text: str) -> Answer:
    return Answer({"error": error, "error_text": text}, ok=False)
