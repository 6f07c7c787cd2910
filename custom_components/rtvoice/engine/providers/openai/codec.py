"""The wire of the OpenAI Realtime API: commands to frames, events to facts. Pure, without a socket or a clock."""

from .decode import Decoder
from .encode import Encoder, encode_audio
from .session_config import update_of

__all__ = ["Decoder", "Encoder", "encode_audio", "update_of"]
