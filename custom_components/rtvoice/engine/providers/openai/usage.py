"""Tokens as the provider counts them."""

from ...conversation.values import ResponseUsage, TokenCount
from .fields import Json, integer, part


def usage_of(usage: Json) -> ResponseUsage:
    """The `usage` object of a response or of a transcription; absent counts are 0."""
    received = part(usage, "input_token_details")
    return ResponseUsage(
        input=_tokens(received, integer(usage, "input_tokens")),
        cached=_tokens(part(received, "cached_tokens_details"), integer(received, "cached_tokens")),
        output=_tokens(part(usage, "output_token_details"), integer(usage, "output_tokens")),
    )


def _tokens(details: Json, total: int) -> TokenCount:
    count = TokenCount(
        integer(details, "text_tokens"), integer(details, "audio_tokens"), integer(details, "image_tokens")
    )
    # A server that does not say of what kind its tokens are is taken to mean text.
    return count if count.total else TokenCount(text=total)
