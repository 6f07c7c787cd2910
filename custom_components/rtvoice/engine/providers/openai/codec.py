"""The wire of the OpenAI Realtime API (GA): commands to frames, events to facts. Pure, without a socket or a clock."""

from .decode import Decoder
from .encode import encode, encode_audio, event_of
from .session_config import session_of, update_of, without

__all__ = ["Decoder", "encode", "encode_audio", "event_of", "session_of", "update_of", "without"]
