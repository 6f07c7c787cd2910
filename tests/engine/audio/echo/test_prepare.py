"""Making a canceller imports numpy in a thread, and nothing before that imports it at all."""

import subprocess
import sys
from pathlib import Path

import pytest

from custom_components.rtvoice.engine.audio.echo import prepare
from custom_components.rtvoice.engine.audio.echo.prepare import prepare_canceller

FOLDER = Path(prepare.__file__).parents[3]


async def test_canceller_of_the_rate() -> None:
    canceller = await prepare_canceller(16_000)
    assert canceller.process(bytes(640), b"") == bytes(640)


async def test_impossible_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="44100"):
        await prepare_canceller(44_100)


def test_numpy_is_not_imported_before() -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); import engine.session.echo; sys.exit('numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code, str(FOLDER)], check=True, cwd="/")
