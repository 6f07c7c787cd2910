"""Whatever a server sends, reading it gives facts that the conversation can trust, or a WireError."""

import dataclasses
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
from .quiet import KEY
from .shapes import EVENT_TYPES, model, wild, wild_events


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
    for event, appended_ms in script:
        try:
            fact = decoder.decode(event, appended_ms)
        except WireError:
            continue
        check(fact)
        if isinstance(fact, RequestRejected) and ends_session(fact.fault, fact.request_id):
            assert KEY not in str(error_of_fault(fact.fault, established=True))
        if isinstance(fact, ResponseFinished) and fact.fault is not None:
            ends_account(fact.fault)


@given(st.dictionaries(st.sampled_from(["type", "audio", "voice", "modalities", "output_modalities"]), wild))
@examples(50)
def test_the_dialect_of_any_session_is_recognised(session) -> None:
    assert recognised(session).name in {"ga", "beta", "xai"}


@pytest.mark.parametrize("kind", EVENT_TYPES)
@given(data=st.data())
@examples(5)
def test_events_that_are_spoiled_later_are_good_before(kind, data) -> None:
    kind.model_validate({"event_id": "e", **data.draw(model(kind))})
