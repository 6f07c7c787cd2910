"""Which of several sentences is in a recording?"""

from pathlib import Path

import numpy as np
from pocketsphinx import Decoder

from demo.speech import read_wav

EAR_HZ = 16_000


def recognise(path: Path, *sentences: str) -> str:
    """The sentence (lower case, words only) that sounds most like the recording, "" if none does."""
    samples, rate = read_wav(path)
    positions = np.arange(int(len(samples) * EAR_HZ / rate)) * rate / EAR_HZ
    heard = np.interp(positions, np.arange(len(samples)), samples)
    pcm = (np.clip(heard, -1, 1) * 32767).astype("<i2").tobytes()
    decoder = Decoder(lm=None, loglevel="FATAL")
    decoder.add_jsgf_string("answers", f"#JSGF V1.0; grammar answers; public <answer> = {' | '.join(sentences)};")
    decoder.activate_search("answers")
    decoder.start_utt()
    for at in range(0, len(pcm), 640):
        decoder.process_raw(pcm[at : at + 640], False, False)
    decoder.end_utt()
    best = decoder.hyp()
    return best.hypstr if best else ""
