"""Home Assistant as a program of its own, in a folder of its own."""

import asyncio
import contextlib
import json
import shutil
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aiohttp import ClientError, ClientSession

from .api import ApiError, HomeAssistantApi, Json, connected
from .programs import Program, running

ROOT = Path(__file__).parent.parent
PYTHON = ROOT / ".venv-demo" / "bin" / "python"
"""Where Home Assistant is installed."""
HOST = "127.0.0.1"
USER, PASSWORD = "demo", "demo-house"
"""Of the demo house; printed at every start."""
START_TIMEOUT_S = 120.0


def free_port(preferred: int = 0, *, tries: int = 20) -> int:
    """The preferred port or one of those that follow it, if all of them are in use any other; 0: any."""
    for port in range(preferred, preferred + tries) if preferred else ():
        with socket.socket() as probe:
            # As servers do, so that a port which was just given back counts as free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind((HOST, port))
                return port
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def write_configuration(folder: Path, port: int, *integrations: Path) -> None:
    """Lay out the folder: configuration, integrations (copies), address; what Home Assistant keeps there stays.

    `integrations` are folders of more integrations than the demo's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(ROOT / "demo" / "config", folder, dirs_exist_ok=True)
    # What is made in the browser is kept here.
    (folder / "automations.yaml").touch()
    installed = folder / "custom_components"
    shutil.rmtree(installed, ignore_errors=True)
    ours = (ROOT / "custom_components" / "rtvoice", ROOT / "demo" / "custom_components" / "demo_house")
    for source in (*ours, *integrations):
        shutil.copytree(source, installed / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    # An address given in YAML is on trial for five minutes; one in storage counts at once. Home Assistant brings
    # this first version of the format up to date by itself.
    address: Json = {"version": 1, "minor_version": 1, "key": "http"}
    address["data"] = {"server_host": [HOST], "server_port": port}
    storage = folder / ".storage"
    storage.mkdir(exist_ok=True)
    (storage / "http").write_text(json.dumps(address))
    if not (storage / "onboarding").exists():
        # All that is left to do is to make the user; the other steps add integrations that need the internet.
        steps: Json = {"version": 4, "minor_version": 1, "key": "onboarding"}
        steps["data"] = {"done": ["core_config", "analytics", "integration"]}
        (storage / "onboarding").write_text(json.dumps(steps))


@dataclass(frozen=True)
class HomeAssistant:
    """A running Home Assistant that we are logged in to."""

    program: Program
    url: str
    folder: Path
    api: HomeAssistantApi


@contextlib.asynccontextmanager
async def home_assistant(
    folder: Path,
    *,
    port: int,
    log: Path,
    environment: Mapping[str, str] | None = None,
    integrations: Sequence[Path] = (),
) -> AsyncIterator[HomeAssistant]:
    """Run Home Assistant while the body runs; new ones are onboarded. Raises ProgramError, ApiError."""
    await asyncio.to_thread(write_configuration, folder, port, *integrations)
    url = f"http://{HOST}:{port}"
    # Without the current folder and our PYTHONPATH, so that the integrations are those of its own folder.
    command = (PYTHON, "-P", "-m", "homeassistant", "--config", folder, "--skip-pip")
    isolated = {"PYTHONPATH": "", **(environment or {})}
    async with running("Home Assistant", command, log=log, environment=isolated) as program:

        async def is_up() -> bool:
            return await _is_answering(url)

        await program.ready(is_up, within_s=START_TIMEOUT_S)
        token = await log_in(url)
        async with connected(url, token) as api:

            async def is_started() -> bool:
                return bool((await api.call("get_config"))["state"] == "RUNNING")

            await program.ready(is_started, within_s=START_TIMEOUT_S)
            yield HomeAssistant(program, url, folder, api)


async def log_in(url: str) -> str:
    """An access token; the first time, the user is made. Raises ApiError."""
    client_id = f"{url}/"
    async with ClientSession(base_url=url) as session:
        async with session.get("/api/onboarding") as answer:
            is_new = answer.ok and any(step["step"] == "user" and not step["done"] for step in await answer.json())
        if is_new:
            user = {"name": "Demo", "username": USER, "password": PASSWORD, "language": "en", "client_id": client_id}
            code = (await _post(session, "/api/onboarding/users", json=user))["auth_code"]
        else:
            code = await _log_in_again(session, client_id)
        form = {"client_id": client_id, "grant_type": "authorization_code", "code": code}
        return str((await _post(session, "/auth/token", data=form))["access_token"])


async def _log_in_again(session: ClientSession, client_id: str) -> str:
    start: Json = {"client_id": client_id, "handler": ["homeassistant", None], "redirect_uri": client_id}
    flow = (await _post(session, "/auth/login_flow", json=start))["flow_id"]
    answer = {"client_id": client_id, "username": USER, "password": PASSWORD}
    step = await _post(session, f"/auth/login_flow/{flow}", json=answer)
    if step["type"] != "create_entry":
        raise ApiError(f"{USER} could not log in: {step}")
    return str(step["result"])


async def _is_answering(url: str) -> bool:
    try:
        async with ClientSession() as session, session.get(f"{url}/manifest.json") as answer:
            return answer.ok
    except ClientError:
        return False


async def _post(session: ClientSession, path: str, **request: object) -> Json:
    async with session.post(path, **request) as answer:  # type: ignore[arg-type]  # json, data or headers
        if not answer.ok:
            raise ApiError(f"{path}: {answer.status} {await answer.text()}")
        content: Json = await answer.json()
        return content
