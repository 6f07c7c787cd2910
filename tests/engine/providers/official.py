"""What the official types say of an event."""

from pydantic import BaseModel


def assert_no_extra(value: object) -> None:
    """The official types know all keys of an event."""
    if isinstance(value, BaseModel):
        assert not value.model_extra, f"{type(value).__name__} does not know {value.model_extra}"
        for name in value.model_fields_set:
            assert_no_extra(getattr(value, name))
    elif isinstance(value, list):
        for each in value:
            assert_no_extra(each)
