"""The languages that are offered."""

from typing import Final

_CODES: Final = (
    "af ar az be bg bs ca cs cy da de el en es et fa fi fr gl he hi hr hu hy id is it ja kk kn ko lt lv mi mk mr ms ne "
    "nl no pl pt ro ru sk sl sr sv sw ta th tl tr uk ur vi zh"
)
LANGUAGES: Final = tuple(_CODES.split())
"""Those that OpenAI's transcription models name as well understood."""


def spoken_in(language: str, fallback: str) -> str:
    """The one of LANGUAGES that a language tag such as `de-CH` means, or else `fallback` means, or English."""
    for tag in (language, fallback):
        if (base := tag.replace("_", "-").split("-")[0].lower()) in LANGUAGES:
            return base
    return "en"
