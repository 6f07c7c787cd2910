"""Plausible token counts: a token per 100 ms heard, per 50 ms spoken, per 4 characters of text, 85 per picture."""

import json
from collections.abc import Iterable, Sequence

from .checks import Json
from .conversation import Item

_IMAGE_TOKENS = 85


class TokenMeter:
    """Counts the tokens of responses; what an earlier response has read comes from the cache."""

    def __init__(self) -> None:
        self._cached = {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0}

    def usage(self, instructions: str, tools: Sequence[Json], items: Iterable[Item], output: Iterable[Item]) -> Json:
        """The `usage` of a response that read `items` and wrote `output`."""
        read = _tokens(items)
        read["text_tokens"] += _text_tokens(instructions) + (_text_tokens(json.dumps(list(tools))) if tools else 0)
        cached = {kind: min(count, self._cached[kind]) // 64 * 64 for kind, count in read.items()}
        self._cached = dict(read)
        written = _tokens(output)
        del written["image_tokens"]
        total_in, total_out = sum(read.values()), sum(written.values())
        return {
            "total_tokens": total_in + total_out,
            "input_tokens": total_in,
            "output_tokens": total_out,
            "input_token_details": {**read, "cached_tokens": sum(cached.values()), "cached_tokens_details": cached},
            "output_token_details": written,
        }


def audio_out_tokens(audio_ms: int) -> int:
    """Tokens of spoken audio."""
    return audio_ms // 50


def _tokens(items: Iterable[Item]) -> Json:
    counts = {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0}
    for item in items:
        spoken = item.role == "assistant"
        counts["audio_tokens"] += audio_out_tokens(item.audio_ms) if spoken else item.audio_ms // 100
        counts["text_tokens"] += _text_tokens(str(item.body.get("arguments", "")) + str(item.body.get("output", "")))
        for part in item.body.get("content", []):
            counts["image_tokens"] += _IMAGE_TOKENS if part["type"] == "input_image" else 0
            if spoken or part["type"] == "input_text":
                counts["text_tokens"] += _text_tokens(part.get("text") or part.get("transcript") or "")
    return counts


def _text_tokens(text: str) -> int:
    return (len(text) + 3) // 4
