"""What must be true of everything that one person said and was told; collected as problems, in words."""

import asyncio
import os
import re
from collections import Counter, deque
from collections.abc import Iterable
from typing import override

from custom_components.rtvoice.engine import ConversationTurn, SessionEvent
from custom_components.rtvoice.engine.conversation.values import AgentState
from custom_components.rtvoice.engine.events import (
    AgentErrorEvent,
    AgentStateChangedEvent,
    ToolExecutedEvent,
    ToolExecutionStartedEvent,
)
from simulator import Event
from simulator.connection import Connection, ConnectionObserver

from .devices import Speaker, Utterance
from .excuses import DOWN, TOO_EARLY
from .model import RandomModel
from .voices import RATE_HZ, loud_frames

FRAME_MS = 20
CROSSED = frozenset({"conversation_already_has_active_response", "response_cancel_not_active"})
"""What is refused because two messages crossed on the wire, and is no fault of anybody's."""
SPEED = "session.audio.output.speed"
"""It is refused while a response runs that the provider began meanwhile, and is sent again behind it."""
UNKNOWN = "item_delete_invalid_item_id"
"""What was cut of a link that is gone, and of which nothing was heard, is not known to the next."""
UNDERSTOOD_S = 6.0
"""How long after its end an utterance is surely in the conversation: silence, hearing, writing down, latency."""
PAUSE_S = 1.0
ANSWERED_S = 12.0
REMEMBERED = int(os.environ.get("SOAK_REMEMBERED", "120"))
LATE_S = 5.0
"""How late something may reach the provider: a link stands still, or has half a minute of audio to catch up with."""
REQUEST_S = 10.0 - LATE_S
"""A request that nothing came of may be repeated after this time."""


class Account:
    """The books of one person, kept over all sessions; `problems` is what does not add up."""

    def __init__(self, name: str, speaker: Speaker, model: RandomModel | None) -> None:
        self.problems: list[str] = []
        self.losses: Counter[str] = Counter()
        """Utterances that need not have been heard, by the reason."""
        self.judged = 0
        """Utterances of sessions that have ended."""
        self.told: Counter[str] = Counter()
        self.utterances: list[Utterance] = []
        self.written: dict[str, float] = {}
        """Typed messages, and when."""
        self.disturbed_s: list[float] = []
        """When the user took back what was to be said."""
        self.troubles: list[tuple[float, float, str]] = []
        """When the link could not carry audio, and why: from, until."""
        self.ran: Counter[str] = Counter()
        self.events: deque[str] = deque(maxlen=REMEMBERED)
        self.speaker = speaker
        self._name = name
        self._model = model
        self._outage_s: float | None = None
        self._started: Counter[str] = Counter()
        self._executed: Counter[str] = Counter()
        self._executed_s: dict[str, float] = {}

    def problem(self, text: str) -> None:
        self.problems.append(f"{self._name} at {now_s():.3f}: {text}")

    def note(self, text: str) -> None:
        """For whoever looks into a problem."""
        self.events.append(f"{now_s():.3f} {text}")

    async def see(self, event: SessionEvent) -> None:
        """Take note of what the agent tells."""
        self.told[type(event).__name__] += 1
        match event:
            case AgentStateChangedEvent(state=state):
                self.note(f"state {state}")
                self._follow(state)
            case AgentErrorEvent(error=error):
                self.note(f"error {error}")
            case ToolExecutionStartedEvent(call_id=call_id):
                self._started[call_id] += 1
            case ToolExecutedEvent(call_id=call_id):
                self._executed[call_id] += 1
                self._executed_s[call_id] = now_s()

    def runs(self, call_id: str) -> bool:
        """Whether a tool call is being carried out, or was when what the provider gets now was sent.

        Observers are told of its beginning a moment later than it begins.
        """
        begun = call_id in self._started or call_id in self.ran
        return begun and self._executed_s.get(call_id, now_s()) > now_s() - LATE_S

    def begin(self) -> None:
        """A session begins."""
        self.utterances.clear()
        self.written.clear()
        self.disturbed_s.clear()
        self._started.clear()
        self._executed.clear()
        self._executed_s.clear()
        self.troubles.clear()
        self.speaker.runs.clear()
        if self._model is not None:
            self._model.forget()
        self._outage_s = None

    def close(self, turns: Iterable[ConversationTurn], ended_s: float) -> None:
        """A session has ended with these turns."""
        if self._outage_s is not None:
            self.troubles.append((self._outage_s, ended_s, "link down"))
        said = Counter(word for turn in turns if turn.role == "user" for word in turn.transcript.split())
        for utterance in self.utterances:
            self._check_heard(utterance, said, ended_s)
        for text, at_s in self.written.items():
            # What is typed while there is no link reaches nobody if the session ends before there is one.
            if said[text] != 1 and not (said[text] == 0 and self._stirred_s(at_s) > ended_s - 1):
                self.problem(f"the message {text} is in the turns {said[text]} times")
        self._check_tools()
        self._check_sound()
        self._check_agent_turns(turns)

    def check_settled(self, connection: Connection) -> None:
        """Nobody speaks, nothing is on its way: both sides know the same."""
        if unanswered := connection.session.conversation.unanswered_calls():
            self.problem(f"calls without an output: {unanswered}")
        for item in connection.session.conversation.items:
            if item.role == "assistant" and item.audio:
                value = int.from_bytes(item.audio[:2], "little", signed=True)
                heard_ms = self.speaker.heard(value) * 1000 / RATE_HZ
                if abs(heard_ms - item.audio_ms) > FRAME_MS:
                    self.problem(
                        f"the model believes that {item.audio_ms} ms of a{value - 1} ({item.id}) were heard,"
                        f" it was {heard_ms:.0f} ms"
                    )

    def watch(self, connection: Connection) -> LinkWatch:
        """Look at what goes over a connection."""
        return LinkWatch(self, connection)

    # --- in detail ----------------------------------------------------------------------------------------------------

    def _follow(self, state: str) -> None:
        if state == AgentState.RECONNECTING:
            self._outage_s = now_s()
        elif self._outage_s is not None:
            self.troubles.append((self._outage_s, now_s(), "link down"))
            self._outage_s = None

    def _stirred_s(self, at_s: float) -> float:
        """When something was last in the way of what was said at that time."""
        return max((until_s for from_s, until_s, _ in self.troubles if until_s >= at_s), default=at_s)

    def _check_heard(self, utterance: Utterance, said: Counter[str], ended_s: float) -> None:
        word = f"u{utterance.number}"
        self.judged += 1
        if reason := self._reason_not_heard(utterance, ended_s):
            self.losses[reason] += 1
            return
        if said[word] > 1:
            self.problem(f"{word} is in the turns {said[word]} times")
        model = self._model
        if model is None:
            # Who is far away cannot be asked what it has heard.
            if not said[word]:
                self.problem(f"{word} is lost; said from {utterance.begun_s:.3f} to {utterance.ended_s:.3f}")
            return
        hearings = [hearing for hearing in model.hearings if utterance.number in hearing.frames]
        if not said[word] and all(hearing.written for hearing in hearings):
            self.problem(f"{word} is lost; said from {utterance.begun_s:.3f} to {utterance.ended_s:.3f}")
            return
        if not hearings:
            self.problem(f"{word} was heard by nobody")
            return
        heard = max(hearing.frames[utterance.number] for hearing in hearings)
        if heard != (whole := loud_frames(utterance.frames)):
            self.problem(
                f"of {word} {heard} of {whole} frames were heard;"
                f" said from {utterance.begun_s:.3f} to {utterance.ended_s:.3f}"
            )
        heard_s = min(hearing.at_s for hearing in hearings)
        answered = any(asked.at_s >= heard_s and word in asked.seen for asked in model.asked)
        if not (answered or self._need_not_be_answered(utterance, model, ended_s)):
            self.problem(f"{word} was never answered; said from {utterance.begun_s:.3f} to {utterance.ended_s:.3f}")

    def _reason_not_heard(self, utterance: Utterance, ended_s: float) -> str:
        if utterance.spared:
            return utterance.spared
        if not utterance.ended_s or self._stirred_s(utterance.begun_s) > ended_s - UNDERSTOOD_S:
            return TOO_EARLY
        if self._breath_ended_s(utterance) > ended_s - UNDERSTOOD_S:
            return TOO_EARLY
        for from_s, until_s, why in self.troubles:
            if why != "link down" and from_s - 2 < utterance.ended_s and utterance.begun_s < until_s + 2:
                return why
            if why == "link down" and until_s - from_s > 25 and from_s - 2 < utterance.ended_s < until_s + 2:
                return DOWN
        return ""

    def _breath_ended_s(self, utterance: Utterance) -> float:
        """When the user paused after it: what is said without a pause is one turn, however long."""
        ended_s = utterance.ended_s
        for later in self.utterances:
            if utterance.begun_s < later.begun_s < ended_s + PAUSE_S:
                ended_s = max(ended_s, later.ended_s or float("inf"))
        return ended_s

    def _need_not_be_answered(self, utterance: Utterance, model: RandomModel, ended_s: float) -> bool:
        """Whether the session ended before, the user did not want to hear it any more, or the model gave no answer."""
        until_s = max(utterance.ended_s, self._stirred_s(utterance.begun_s)) + ANSWERED_S
        reasons_s = (*self.disturbed_s, *model.silences)
        return until_s > ended_s or any(utterance.begun_s - 1 < reason_s < until_s for reason_s in reasons_s)

    def _check_tools(self) -> None:
        for call_id, count in self._started.items():
            if count != 1 or self._executed[call_id] != 1:
                self.problem(f"{call_id} was told {count} times to begin and {self._executed[call_id]} times to end")
        if extra := self._executed.keys() - self._started.keys():
            self.problem(f"ended and never began: {extra}")
        if again := [call_id for call_id, count in self.ran.items() if count > 1]:
            self.problem(f"ran more than once: {again}")
        self._started.clear()
        self._executed.clear()

    def _check_sound(self) -> None:
        counts = Counter(value for value, _ in self.speaker.runs if value > 0)
        if again := [value - 1 for value, count in counts.items() if count > 1]:
            self.problem(f"heard in more than one piece: {again}")

    def _check_agent_turns(self, turns: Iterable[ConversationTurn]) -> None:
        for turn in turns:
            found = re.match(r"a(\d+)\b", turn.transcript)
            if self._model is None or turn.role == "user" or found is None:
                continue
            whole = self._model.texts[int(found[1])]
            if not whole.startswith(turn.transcript):
                self.problem(f"{turn.transcript!r} was never said, but {whole!r}")


class LinkWatch(ConnectionObserver):
    """Compares what a client tells the provider with what is true."""

    remembers = False

    def __init__(self, account: Account, connection: Connection) -> None:
        self._account = account
        self._connection = connection
        self._asked: tuple[str, float] | None = None
        self._outputs: Counter[str] = Counter()

    @override
    def client_event(self, event: Event) -> None:
        kind = str(event["type"])
        if kind == "input_audio_buffer.append":
            return
        self._account.note(f"{self._connection.number} > {_short(event)}")
        match kind:
            case "response.create":
                self._note_request(event)
            case "conversation.item.truncate":
                self._compare(event["item_id"], event["audio_end_ms"])
            case "conversation.item.delete":
                pass
            case "conversation.item.create":
                self._note_item(event["item"])

    @override
    def server_event(self, event: Event) -> None:
        kind = str(event["type"])
        if kind.endswith("delta"):
            return
        self._account.note(f"{self._connection.number} < {_short(event)}")
        if kind == "response.created":
            asked = (event["response"].get("metadata") or {}).values()
            if self._asked is not None and self._asked[0] in asked:
                self._asked = None
        elif kind == "error":
            error = event["error"]
            if self._asked is not None and error.get("event_id") == self._asked[0]:
                self._asked = None
            if not _expected(error):
                self._account.problem(f"the provider refused: {error}")

    def _note_request(self, event: Event) -> None:
        if self._asked is not None and now_s() - self._asked[1] < REQUEST_S:
            self._account.problem(f"{event['event_id']} while {self._asked[0]} is in flight")
        self._asked = event["event_id"], now_s()
        for call_id in self._connection.session.conversation.unanswered_calls():
            if not self._account.runs(call_id):
                self._account.problem(f"{event['event_id']} before the output of {call_id}")

    def _note_item(self, item: dict[str, object]) -> None:
        if item["type"] == "function_call_output":
            call_id = str(item["call_id"])
            self._outputs[call_id] += 1
            if self._outputs[call_id] > 1:
                self._account.problem(f"{call_id} was answered {self._outputs[call_id]} times")

    def _compare(self, item_id: str, audio_end_ms: int) -> None:
        item = self._connection.session.conversation.find(item_id)
        if item is None or not item.audio:
            return
        value = int.from_bytes(item.audio[:2], "little", signed=True)
        heard_ms = self._account.speaker.heard(value) * 1000 / RATE_HZ
        if not heard_ms - FRAME_MS <= audio_end_ms <= heard_ms + 0.5:
            self._account.problem(f"a{value - 1} was truncated at {audio_end_ms} ms, {heard_ms:.1f} ms were heard")


def _expected(error: dict[str, object]) -> bool:
    known = error["code"] in CROSSED | {UNKNOWN, "session_expired"}
    return known or error["type"] == "server_error" or error["param"] == SPEED


def _short(event: Event) -> str:
    kept = {key: value for key, value in event.items() if key not in ("type", "event_id", "session")}
    if "response" in kept and isinstance(kept["response"], dict):
        response = kept["response"]
        kept["response"] = {
            key: response.get(key) for key in ("id", "status", "metadata", "instructions") if response.get(key)
        }
    return f"{event['type']} {event.get('event_id', '')} {str(kept)[:260]}"


def now_s() -> float:
    return asyncio.get_running_loop().time()
