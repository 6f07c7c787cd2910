"""What satellites of other integrations have in common: the agent's voice assistant, and what is said to them."""

from pathlib import Path

import numpy as np

from demo.api import HomeAssistantApi
from demo.speech import read_wav, speak_to_file

STATUS = "sensor.voice_agent_status"
"""What the agent of the house is doing."""


async def create_voice_assistant(api: HomeAssistantApi) -> None:
    """Have the agent's voice assistant made, as its user does; satellites take it unless they are told otherwise."""
    await api.perform("button.press", entity_id="button.voice_agent_create_voice_assistant")
    pipelines = (await api.call("assist_pipeline/pipeline/list"))["pipelines"]
    (pipeline,) = [one for one in pipelines if one["name"] == "Voice agent"]
    await api.call("assist_pipeline/pipeline/set_preferred", pipeline_id=pipeline["id"])


async def spoken(sentence: str, rate_hz: int, folder: Path) -> np.ndarray:
    """A sentence as samples (float, full scale is 1)."""
    path = folder / "sentence.wav"
    await speak_to_file(sentence, path)
    samples, rate = read_wav(path)
    positions = np.arange(int(len(samples) * rate_hz / rate)) * rate / rate_hz
    return np.asarray(np.interp(positions, np.arange(len(samples)), samples))


def as_pcm(samples: np.ndarray) -> bytes:
    """Samples as 16-bit PCM."""
    return (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
