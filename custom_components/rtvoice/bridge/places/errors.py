"""Failures of a place that have words of their own."""

from ...engine.errors import SinkError, SourceError


class EarsFailedError(SourceError):
    """A place hears no more; `key` is that of a translated error."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


class MouthFailedError(SinkError):
    """A place speaks no more; `key` is that of a translated error."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key
