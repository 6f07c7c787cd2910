"""The documentation's example, run as it stands but for the server and the devices."""

import asyncio
import re
import sys
import wave
from pathlib import Path

from simulator import Call, Plan, Say, ScriptedBrain, Simulator, Turn, tone

ROOT = Path(__file__).parents[2]


def example(path: str) -> str:
    (code,) = re.findall(r"```python\n(import asyncio.*?)```", (ROOT / path).read_text(), re.DOTALL)
    return code


def test_the_readme_has_the_same_example() -> None:
    assert example("README.md") == example("docs/engine.md")


async def test_the_example_hears_acts_and_speaks(socket_enabled, tmp_path) -> None:
    with wave.open(str(tmp_path / "microphone.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24_000)
        file.writeframes(tone(0.6) + bytes(48_000))
    answers = (Plan((Call("switch_lamp", {"room": "hall", "on": True}),)), Plan((Say("As you wish."),)))
    async with Simulator(ScriptedBrain(Turn("light, please", answers)), api_key="secret") as simulator:
        provider = f"OpenAIProvider('secret', base_url={simulator.base_url!r})"
        devices = (
            f"audio_input=FileInput({str(tmp_path / 'microphone.wav')!r}), "
            f"audio_output=FileOutput({str(tmp_path / 'speaker.wav')!r}), "
            "inactivity_timeout_seconds=2, inactivity_timeout_enabled=True"
        )
        code = example("docs/engine.md")
        for old, new in (
            ("provider=OpenAIProvider()", f"provider={provider}, {devices}"),
            ("import OpenAIProvider,", "import OpenAIProvider, ServerVAD,"),
            ("tools = Tools()", "from engine.devices import FileInput, FileOutput\ntools = Tools()"),
        ):
            assert old in code
            code = code.replace(old, new)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-W", "error", "-c", code, cwd=ROOT, stdout=-1, stderr=-1
        )
        async with asyncio.timeout(60):
            out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        assert err.decode() == ""
        assert out.decode().splitlines() == [
            "The lamp in the hall is on",
            "user: light, please",
            "assistant: As you wish.",
        ]
        assert simulator.violations == []
    with wave.open(str(tmp_path / "speaker.wav"), "rb") as file:
        assert any(file.readframes(file.getnframes()))
