"""What a server sends in a sane conversation, and how its order goes wrong."""

from typing import Any, Final

from hypothesis import strategies as st

from .quiet import WORDS
from .shapes import Json, audio, mutated, wild_events

_RESPONSES: Final = st.sampled_from(["r1", "r2", "r3", "r4"])
_STATUSES: Final = st.sampled_from(["completed", "completed", "completed", "cancelled", "incomplete", "failed"])
_CODES: Final = st.sampled_from([None, "server_error", "rate_limit_exceeded"])
_TOOLS: Final = st.sampled_from(["echo", "slow", "broken", "nothing", ""])
_ARGUMENTS: Final = st.sampled_from(
    [f'{{"text": "{WORDS}"}}', "{}", "", "{", "null", '{"text": 5}', '{"text": ["x"], "more": 1}']
)


@st.composite
def _spoken(draw: st.DrawFn, response: str, item: str) -> list[Json]:
    place = {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}
    message = {"id": item, "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    said = {"type": "response.output_audio_transcript.delta", **place, "delta": f"{WORDS} so far. "}
    return [
        {"type": "response.output_item.added", "response_id": response, "output_index": 0, "item": message},
        {
            "type": "conversation.item.added",
            "previous_item_id": draw(st.sampled_from([None, "u1", "i1"])),
            "item": message,
        },
        *[
            each
            for sound in draw(st.lists(audio, max_size=4))
            for each in (said, {"type": "response.output_audio.delta", **place, "delta": sound})
        ],
        {"type": "response.output_audio.done", **place},
        {"type": "response.output_audio_transcript.done", **place, "transcript": f"{WORDS} so far. " * 2},
    ]


@st.composite
def _called(draw: st.DrawFn, response: str, call_id: str) -> tuple[list[Json], Json]:
    call = {
        "id": f"i-{call_id}",
        "type": "function_call",
        "status": draw(st.sampled_from(["completed", "completed", "incomplete"])),
        "call_id": call_id,
        "name": draw(_TOOLS),
        "arguments": draw(_ARGUMENTS),
    }
    return [{"type": "response.output_item.done", "response_id": response, "output_index": 1, "item": call}], call


@st.composite
def response(draw: st.DrawFn) -> list[Json]:
    """A response: spoken words, calls, or neither; served, cancelled or failed."""
    name = draw(_RESPONSES)
    status = draw(_STATUSES)
    metadata = draw(st.sampled_from([None, {"request_id": "response-1"}, {"request_id": "response-2"}]))
    conversation = draw(st.sampled_from(["conv_1", "conv_1", "conv_1", None]))
    told: Json = {
        "id": name,
        "status": "in_progress",
        "metadata": metadata,
        "conversation_id": conversation,
        "output": [],
    }
    events = [{"type": "response.created", "response": told}]
    for index in range(draw(st.integers(0, 2))):
        events += draw(_spoken(name, f"i{index + 1}"))
    output: list[Json] = []
    for call_id in draw(st.lists(st.sampled_from(["c1", "c2", "c3"]), max_size=2)):
        more, call = draw(_called(name, call_id))
        events += more
        output.append(call)
    error = {"type": "x", "code": draw(_CODES), "message": "Please try again in 20ms"}
    details = {"type": status, "reason": "turn_detected", "error": error}
    usage = {"input_tokens": 10, "output_tokens": 10**9 if draw(st.integers(0, 9)) == 0 else 5}
    done = {**told, "status": status, "status_details": details, "output": output, "usage": usage}
    return [*events, {"type": "response.done", "response": done}]


@st.composite
def turn(draw: st.DrawFn) -> list[Json]:
    """The user speaks."""
    item = draw(st.sampled_from(["u1", "u2", "u3"]))
    end_ms = draw(st.integers(0, 90_000))
    heard = "conversation.item.input_audio_transcription"
    message = {"id": item, "type": "message", "role": "user", "content": [{"type": "input_audio", "transcript": None}]}
    failed = {"type": f"{heard}.failed", "item_id": item, "content_index": 0, "error": {"type": "x", "message": "y"}}
    completed = {
        "type": f"{heard}.completed",
        "item_id": item,
        "content_index": 0,
        "transcript": f"{WORDS} please",
        "usage": {"type": "duration", "seconds": 2},
    }
    return [
        {"type": "input_audio_buffer.speech_started", "item_id": item, "audio_start_ms": max(end_ms - 1000, 0)},
        {"type": "input_audio_buffer.speech_stopped", "item_id": item, "audio_end_ms": end_ms},
        {"type": "input_audio_buffer.committed", "item_id": item, "previous_item_id": None},
        {"type": "conversation.item.added", "item": message, "previous_item_id": None},
        {"type": f"{heard}.delta", "item_id": item, "content_index": 0, "delta": WORDS},
        draw(st.sampled_from([completed, failed])),
    ]


@st.composite
def remote(draw: st.DrawFn) -> list[Json]:
    """The server calls a tool of an MCP server by itself, or asks whether it may."""
    response_id = draw(_RESPONSES)
    item_id = draw(st.sampled_from(["m1", "m2"]))
    base = {"server_label": "docs", "name": "search", "arguments": f'{{"q": "{WORDS}"}}'}
    request = {"id": f"q-{item_id}", "type": "mcp_approval_request", **base}
    call = {"id": item_id, "type": "mcp_call", **base, "approval_request_id": f"q-{item_id}"}
    outcome = draw(st.sampled_from(["completed", "failed"]))
    return [
        {"type": "response.output_item.added", "response_id": response_id, "output_index": 0, "item": request},
        {"type": "response.output_item.done", "response_id": response_id, "output_index": 0, "item": request},
        {"type": "response.output_item.added", "response_id": response_id, "output_index": 1, "item": call},
        {"type": "response.mcp_call.in_progress", "item_id": item_id, "output_index": 1},
        {"type": f"response.mcp_call.{outcome}", "item_id": item_id, "output_index": 1},
        {"type": "conversation.item.done", "item": {**call, "output": WORDS}},
    ]


_scenes: Final = st.one_of(response(), response(), turn(), remote(), wild_events.map(lambda event: [event]))


@st.composite
def dialogues(draw: st.DrawFn) -> list[Json]:
    """A few scenes one after another, with events that are spoiled, missing, doubled, early or late."""
    events: list[Json] = [event for scene in draw(st.lists(_scenes, min_size=1, max_size=5)) for event in scene]
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(events) - 1))
        match draw(st.sampled_from(["spoil", "spoil", "double", "move", "drop", "insert"])):
            case "spoil":
                events[place] = draw(mutated(st.just(events[place])))
            case "double":
                events.insert(draw(st.integers(0, len(events))), events[place])
            case "move":
                events.insert(draw(st.integers(0, len(events) - 1)), events.pop(place))
            case "drop" if len(events) > 1:
                del events[place]
            case _:
                events.insert(place, draw(wild_events))
    return events


@st.composite
def sprinkled(draw: st.DrawFn, whole: st.SearchStrategy[list[Any]], between: st.SearchStrategy[Any]) -> list[Any]:
    """`whole` with a few other things in it."""
    steps = list(draw(whole))
    for thing in draw(st.lists(between, max_size=8)):
        steps.insert(draw(st.integers(0, len(steps))), thing)
    return steps
