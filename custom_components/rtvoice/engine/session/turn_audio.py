"""What the user said in turns whose words are not known yet."""

MAX_TURNS = 3
"""Older turns are forgotten; their words should be known long since."""


class TurnAudio:
    """Audio of committed turns by item, so that a provider that forgot them can be told again."""

    def __init__(self) -> None:
        self._turns: dict[str, bytes] = {}

    def keep(self, item_id: str, pcm: bytes) -> None:
        """Keep a turn's audio; the oldest is dropped when there are too many."""
        self._turns[item_id] = pcm
        while len(self._turns) > MAX_TURNS:
            del self._turns[next(iter(self._turns))]

    def drop(self, item_id: str) -> None:
        """Forget a turn, if it is kept."""
        self._turns.pop(item_id, None)

    def get(self, item_id: str) -> bytes | None:
        """Return the turn's audio, if it is kept."""
        return self._turns.get(item_id)
