"""Voice activity on made sound, in the time of the audio."""

import numpy as np
import pytest

from simulator.input_audio import InputAudio, SpeechBegan, SpeechEnded
from simulator.plan import tone
from simulator.vad import VoiceActivity

VAD = {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 500}


def silence(ms):
    return bytes(48 * ms)


def noise(ms, level):
    return np.random.default_rng(1).normal(0, level, 24 * ms).astype("<i2").tobytes()


def edges(*parts, **settings):
    vad = VoiceActivity()
    for key, value in settings.items():
        setattr(vad, key, value)
    return [(edge.speaking, edge.at_ms) for part in parts for edge in vad.feed(part)]


def test_speech_begins_and_ends_where_it_does():
    assert edges(silence(1_000), tone(1.0), silence(1_000)) == [(True, 1_000), (False, 2_500)]


@pytest.mark.parametrize("chunk", [2, 480, 1_024, 48_000])
def test_the_size_of_chunks_does_not_matter(chunk):
    audio = silence(400) + tone(0.5) + silence(700)
    vad = VoiceActivity()
    found = [edge for at in range(0, len(audio), chunk) for edge in vad.feed(audio[at : at + chunk])]
    assert [(edge.speaking, edge.at_ms) for edge in found] == [(True, 400), (False, 1_400)]


def test_a_pause_shorter_than_the_silence_goes_on():
    assert edges(silence(500), tone(0.4), silence(400), tone(0.4), silence(500)) == [(True, 500), (False, 2_200)]


def test_a_click_is_no_speech():
    assert edges(silence(500), tone(0.03), silence(800)) == []


def test_steady_noise_is_taken_for_the_room():
    (started, stopped) = edges(noise(6_000, 300))
    assert started[0]
    assert stopped[1] < 4_000


def test_speech_stands_out_of_noise():
    speech = (np.frombuffer(tone(1.0), "<i2") + np.frombuffer(noise(1_000, 100), "<i2")).astype("<i2").tobytes()
    found = edges(noise(6_000, 100), speech, noise(1_000, 100))
    assert found[-2:] == [(True, 6_000), (False, 7_500)]


def test_a_higher_threshold_wants_louder_speech():
    quiet = tone(1.0, level=0.004)
    assert edges(silence(500), quiet, silence(800), threshold=0.1) != []
    assert edges(silence(500), quiet, silence(800), threshold=0.9) == []


def test_the_turn_has_the_padding_and_the_positions_of_all_audio():
    heard = InputAudio({})
    found = heard.append(silence(2_000) + tone(1.0) + silence(600), VAD)
    assert found[0] == SpeechBegan(1_700)
    assert isinstance(found[1], SpeechEnded)
    assert (found[1].end_ms, len(found[1].pcm) // 48) == (3_500, 1_800)
    found = heard.append(silence(100) + tone(0.4) + silence(600), VAD)
    assert found[0] == SpeechBegan(3_500)
    assert len(found[1].pcm) // 48 == found[1].end_ms - 3_500


def test_clearing_ends_speech_and_detection_can_be_switched():
    heard = InputAudio({"low": 1_000})
    assert heard.append(silence(500) + tone(0.5), {**VAD, "type": "semantic_vad", "eagerness": "low"})
    assert heard.speaking
    heard.clear()
    assert not heard.speaking
    assert heard.append(tone(0.5), None) == []
    assert heard.append(silence(100) + tone(0.2), VAD) == [SpeechBegan(1_300)]
