"""JSON as the official types say, and how it goes wrong."""

import base64
import copy
from collections.abc import Callable, Mapping
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

from hypothesis import strategies as st
from openai.types.realtime import RealtimeServerEvent
from pydantic import BaseModel

from .quiet import KEY, WORDS

type Json = dict[str, Any]

_ids = {
    "item_id": ["i1", "i2", "i3", "u1", "u2"],
    "previous_item_id": ["i1", "i2", "u1", "root"],
    "response_id": ["r1", "r2", "r3"],
    "call_id": ["c1", "c2", "c3"],
    "conversation_id": ["conv_1"],
    "approval_request_id": ["q1", "q2"],
    "server_label": ["docs"],
    "name": ["echo", "slow", "broken", "nothing", "tokens", "requests"],
    "code": [
        "server_error",
        "rate_limit_exceeded",
        "insufficient_quota",
        "session_expired",
        "invalid_value",
        "item_not_found",
    ],
}
_PRIVATE: Final = frozenset({"transcript", "text", "arguments", "delta", "instructions", "output"})

_texts = st.one_of(st.text(max_size=8), st.sampled_from(["", " ", "\0", "💥", "a" * 300]))
_words = _texts.map(lambda text: f"{WORDS} {text}")
_arguments = st.sampled_from([f'{{"text": "{WORDS}"}}', "{}", "", "{", "null", "[]", '{"text": 5, "more": {}}'])
_messages = st.sampled_from(
    [
        "",
        f"Incorrect API key provided: {KEY}",
        "Please try again in 1.5s",
        "Rate limit reached. Please try again in 20ms",
        "Audio content of 9250ms is already shorter than 57340ms",
    ]
)
pcm = st.one_of(
    st.integers(0, 40).map(lambda ms: bytes(ms * 48)),
    st.binary(max_size=9),
    st.just(bytes(48_000)),
)
audio = pcm.map(lambda data: base64.b64encode(data).decode())


def _field(owner: type[BaseModel], name: str, annotation: Any) -> st.SearchStrategy[Any]:
    kind = str(owner.model_fields["type"].annotation) if "type" in owner.model_fields else ""
    if name == "delta" and "output_audio.delta" in kind:
        return audio
    if name == "id":
        pool = ["r1", "r2", "r3"] if "Response" in owner.__name__ else ["i1", "i2", "i3", "u1", "u2", "q1"]
        return st.sampled_from(pool)
    if name == "message" and "rror" in owner.__name__:
        return _messages
    if name == "param":
        return st.sampled_from([None, "session.audio.output.voice", KEY])
    if name in _ids and str in _members(annotation):
        return st.sampled_from(_ids[name])
    if name == "arguments":
        return _arguments
    if name in _PRIVATE and str in _members(annotation):
        return _words
    return shaped(annotation)


def _members(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


_made: dict[Any, st.SearchStrategy[Any]] = {}


def model(kind: type[BaseModel]) -> st.SearchStrategy[Json]:
    """A JSON object of an official type: all that must be there, and some of what may."""
    if kind not in _made:
        _made[kind] = st.deferred(lambda: _model(kind))
    return _made[kind]


def _model(kind: type[BaseModel]) -> st.SearchStrategy[Json]:
    required: dict[str, st.SearchStrategy[Any]] = {}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for name, field in kind.model_fields.items():
        fields = required if field.is_required() or name in ("type", "id", "status") else optional
        fields[field.alias or name] = _field(kind, name, field.annotation)
    return st.fixed_dictionaries(required, optional=optional)


def shaped(annotation: Any) -> st.SearchStrategy[Any]:
    """Any JSON of an annotation."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return st.sampled_from(inner)
    if origin in (Union, UnionType):
        return st.one_of([shaped(member) for member in inner])
    if hasattr(annotation, "__value__"):
        return shaped(annotation.__value__)
    if (origin is not None and hasattr(origin, "__metadata__")) or hasattr(annotation, "__metadata__"):
        return shaped(inner[0])
    if origin in (list, tuple):
        return st.lists(shaped(inner[0]), max_size=3)
    if origin in (dict, Mapping):
        return st.dictionaries(st.sampled_from(["a", "request_id"]), shaped(inner[1]), max_size=2)
    return _plain(annotation)


def _plain(annotation: Any) -> st.SearchStrategy[Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return model(annotation)
    plain: dict[Any, st.SearchStrategy[Any]] = {
        str: _texts,
        bool: st.booleans(),
        int: st.integers(0, 5000),
        float: st.floats(0, 100),
        NoneType: st.none(),
        object: st.none(),
        Any: st.none(),
    }
    return plain[annotation]


EVENT_TYPES: Final[tuple[type[BaseModel], ...]] = get_args(get_args(RealtimeServerEvent)[0])
_OLD_NAMES: Final = (
    "response.audio.delta",
    "response.audio_transcript.delta",
    "response.text.delta",
    "ping",
    "unheard.of",
)

events: Final = st.one_of([model(kind) for kind in EVENT_TYPES])
"""Every event that the official types know, in all their shapes."""

nested = st.recursive(
    st.none(),
    lambda deeper: st.one_of(st.lists(deeper, max_size=2), st.fixed_dictionaries({"a": deeper})),
    max_leaves=8,
)

wild = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([-1, 0, 1, 2**31, 2**63 - 1, -(2**63), 1e308, -0.5, 1e-320, "", " ", "null", "-1", "💥", "\0"]),
    st.builds(lambda: "long " * 20_000),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.just([]),
    st.just({}),
    st.just([None, 1, "x", {}]),
    st.just({"type": "message", "id": 5, "content": [5, None, {"text": 5}]}),
    nested,
)
"""Whatever JSON can say that nobody expects."""


@st.composite
def mutated[T](draw: st.DrawFn, valid: st.SearchStrategy[T], wild: st.SearchStrategy[Any] = wild, most: int = 3) -> T:
    """What is valid, with a few places that are gone, or hold something else."""
    value = copy.deepcopy(draw(valid))
    for _ in range(draw(st.integers(0, most))):
        places = list(_places(value))
        if not places:
            break
        owner, key = draw(st.sampled_from(places))
        if isinstance(owner, dict) and draw(st.integers(0, 2)) == 0:
            del owner[key]
        else:
            owner[key] = copy.deepcopy(draw(wild))
    return value


def _places(value: Any) -> Any:
    """All places in JSON that hold something, as (owner, key)."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in list(keys):
        yield value, key
        yield from _places(value[key])


@st.composite
def renamed(draw: st.DrawFn, valid: st.SearchStrategy[Json]) -> Json:
    """An event under another's name."""
    return {**draw(valid), "type": draw(st.sampled_from([*_OLD_NAMES, *_names()]))}


def _names() -> list[str]:
    return [get_args(kind.model_fields["type"].annotation)[0] for kind in EVENT_TYPES]


type Choose[T] = Callable[[st.DrawFn], T]

_told: Final = st.one_of(wild, wild, st.sampled_from([KEY, f"Bearer {KEY}", {"type": KEY}, {"type": WORDS}]))
wild_events: Final = st.one_of(events, mutated(events, _told), mutated(events, _told), renamed(events))
"""Events as they should be, and as they should not."""
