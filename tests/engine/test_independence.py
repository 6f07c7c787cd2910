import subprocess
import sys
from pathlib import Path

import pytest

import custom_components.rtvoice as integration
from custom_components.rtvoice import engine

FOLDER = Path(integration.__file__).parent

MODULES = sorted(
    ".".join(path.relative_to(FOLDER).with_suffix("").parts).removesuffix(".__init__")
    for path in (FOLDER / "engine").rglob("*.py")
)

REFUSING = """
import importlib, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {REFUSED}:
            raise ImportError(f"{name} must not be imported")

sys.meta_path.insert(0, Refuse())
sys.path.append({FOLDER!r})
import engine
light = {"aiohttp", "pydantic", "engine.agent"} & set(sys.modules)
assert not light, f"imported before it is asked for: {light}"
for name in engine.__all__:
    getattr(engine, name)
heavy = {"numpy", "sounddevice", "pasimple", "pulsectl", "mcp"} & set(sys.modules)
assert not heavy, f"imported on the way: {heavy}"
for module in {MODULES!r}:
    importlib.import_module(module)
"""


def test_every_module_of_the_engine_imports_without_home_assistant() -> None:
    code = (
        REFUSING.replace("{REFUSED}", repr({"homeassistant", "custom_components", "voluptuous", "probatio"}))
        .replace("{FOLDER!r}", repr(str(FOLDER)))
        .replace("{MODULES!r}", repr(MODULES))
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd="/", check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["engine", "engine.conversation.conversation", "engine.agent"])
def test_the_list_of_modules_is_real(name) -> None:
    assert name in MODULES


def test_only_what_is_exported_can_be_asked_for() -> None:
    assert set(engine.__all__) <= set(dir(engine))
    assert engine.errors.EngineError is engine.EngineError
    with pytest.raises(AttributeError, match="has no attribute 'Session'"):
        engine.Session  # noqa: B018  it is asked for
