"""Whatever a server sends, reading it gives facts that the conversation can trust, or a WireError."""

import dataclasses
import logging
from enum import Enum
from math import isfinite
from types import NoneType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.rtvoice.engine.conversation.facts import RequestRejected, ResponseFinished
from custom_components.rtvoice.engine.errors import WireError
from custom_components.rtvoice.engine.providers.openai.codec import Decoder
from custom_components.rtvoice.engine.providers.openai.dialect import recognised
from custom_components.rtvoice.engine.providers.openai.faults import (
    Redactor,
    ends_account,
    ends_session,
    error_of_fault,
)

from .profile import examples
from .quiet import KEY, quiet
from .shapes import EVENT_TYPES, model, wild, wild_events

_LOGGER = logging.getLogger("custom_components.rtvoice.fuzz")


def check(value: Any) -> None:
    """A fact has only values that can be reckoned with, and no key."""
    match value:
        case str():
            assert KEY not in value
        case bytes():
            assert len(value) % 2 == 0
        case bool() | Enum() | NoneType():
            pass
        case int() | float():
            assert isfinite(value)
            assert value >= 0
        case tuple():
            for each in value:
                check(each)
        case _:
            assert dataclasses.is_dataclass(value), type(value)
            for field in dataclasses.fields(value):
                check(getattr(value, field.name))


@given(st.lists(st.tuples(wild_events, st.floats(0, 1e9)), max_size=12))
@examples(80)
def test_events_are_read_or_refused(script) -> None:
    decoder = Decoder(Redactor(KEY))
    with quiet(warnings=False):
        for event, appended_ms in script:
            read(decoder, event, appended_ms)


def read(decoder: Decoder, event: Any, appended_ms: float) -> None:
    try:
        fact = decoder.decode(event, appended_ms)
    except WireError as err:
        # As the connection does.
        _LOGGER.debug("Dropped an event that cannot be read: %s", err)
        return
    check(fact)
    if isinstance(fact, RequestRejected) and ends_session(fact.fault, fact.request_id):
        assert KEY not in str(error_of_fault(fact.fault, established=True))
    if isinstance(fact, ResponseFinished) and fact.fault is not None:
        ends_account(fact.fault)


@given(st.dictionaries(st.sampled_from(["type", "audio", "voice", "modalities", "output_modalities"]), wild))
@examples(50)
def test_the_dialect_of_any_session_is_recognised(session) -> None:
    with quiet(warnings=False):
        assert recognised(session).name in {"ga", "beta", "xai"}


@pytest.mark.parametrize("kind", EVENT_TYPES)
@given(data=st.data())
@examples(5)
def test_events_that_are_spoiled_later_are_good_before(kind, data) -> None:
    kind.model_validate({"event_id": "e", **data.draw(model(kind))})


@pytest.mark.parametrize("kind", [KEY, f"Bearer {KEY}", {"key": KEY}, [KEY], "x" * 60 + KEY])
def test_what_cannot_be_read_is_told_without_what_stands_in_it(kind) -> None:
    for event in ({"type": "conversation.item.added", "item": {"type": kind}}, {"event_id": "e", "type": kind}):
        with quiet(warnings=False):
            read(Decoder(Redactor(KEY)), event, 0.0)
    with pytest.raises(WireError, match=r"^something has no id$"):
        Decoder().decode({"type": "conversation.item.added", "item": {"type": kind}})
