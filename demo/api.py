"""A client of Home Assistant: websocket API, REST API where there is no other way, and the states as they change."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, ClientWSTimeout, WSMsgType

type Json = dict[str, Any]

CALL_TIMEOUT_S = 60.0


class ApiError(Exception):
    """Home Assistant refused a request."""


class HomeAssistantApi:
    """A logged-in connection."""

    def __init__(self, session: ClientSession, socket: ClientWebSocketResponse, url: str, token: str) -> None:
        self._session = session
        self._socket = socket
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._handlers: dict[int, Callable[[Json], None]] = {}
        self._changed = asyncio.Event()
        self.states: dict[str, Json] = {}
        """All states by entity id, as they are now."""
        self.changes: list[tuple[str, str | None, str | None]] = []
        """Entity id, state before and state after of every change since the connection was made."""

    async def call(self, command: str, *, within_s: float = CALL_TIMEOUT_S, **fields: Any) -> Any:
        """Send a command; its result. Raises ApiError."""
        return await self._ask(next(self._ids), command, fields, within_s)

    async def subscribe(self, command: str, handler: Callable[[Json], None], **fields: Any) -> None:
        """Send a command that answers with events from now on."""
        number = next(self._ids)
        self._handlers[number] = handler
        await self._ask(number, command, fields, CALL_TIMEOUT_S)

    async def perform(
        self, action: str, data: Json | None = None, *, response: bool = False, within_s: float = 60.0, **target: Any
    ) -> Json:
        """Perform an action such as `light.turn_on`; its response, empty unless asked for. Raises ApiError."""
        domain, name = action.split(".")
        result = await self.call(
            "call_service",
            domain=domain,
            service=name,
            service_data=data or {},
            target=target,
            return_response=response,
            within_s=within_s,
        )
        return result.get("response") or {}

    async def request(self, method: str, path: str, body: Json | None = None) -> Any:
        """Send a REST request; its JSON. Raises ApiError."""
        async with self._session.request(method, self._url + path, json=body, headers=self._headers) as answer:
            if answer.status >= 400:
                raise ApiError(f"{method} {path}: {answer.status} {await answer.text()}")
            return await answer.json()

    async def flow(self, path: str, start: Json, steps: Iterable[Json]) -> Json:
        """Go through a configuration flow; its last step. Raises ApiError if a form comes back with errors."""
        step: Json = await self.request("POST", path, start)
        for answer in steps:
            step = await self.request("POST", f"{path}/{step['flow_id']}", answer)
            if step.get("errors"):
                raise ApiError(f"{step['step_id']}: {step['errors']}")
        return step

    def state(self, entity_id: str) -> str | None:
        """A state, None if there is no such entity."""
        return self.states[entity_id]["state"] if entity_id in self.states else None

    async def until(self, what: str, is_so: Callable[[], bool], *, within_s: float) -> None:
        """Wait for a change of states after which `is_so`. Raises ApiError naming `what` was waited for."""
        try:
            async with asyncio.timeout(within_s):
                while not is_so():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise ApiError(f"{what}: not within {within_s:.0f} s") from None

    async def follow_states(self) -> None:
        """Learn all states and follow their changes."""
        await self.subscribe("subscribe_events", self._on_state_changed, event_type="state_changed")
        self.states = {state["entity_id"]: state for state in await self.call("get_states")}

    async def read(self) -> None:
        """Take in what Home Assistant sends, until the connection ends."""
        async for message in self._socket:
            if message.type is not WSMsgType.TEXT:
                break
            content = message.json()
            for answer in content if isinstance(content, list) else [content]:
                self._take(answer)
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(ApiError("Home Assistant closed the connection"))

    async def _ask(self, number: int, command: str, fields: Json, within_s: float) -> Any:
        self._answers[number] = asyncio.get_running_loop().create_future()
        try:
            await self._socket.send_json({"id": number, "type": command, **fields})
            async with asyncio.timeout(within_s):
                return await self._answers[number]
        except TimeoutError:
            raise ApiError(f"{command} was not answered within {within_s:.0f} s") from None
        finally:
            del self._answers[number]

    def _take(self, message: Json) -> None:
        match message:
            case {"type": "event", "id": number, "event": event} if number in self._handlers:
                self._handlers[number](event)
            case {"type": "result", "id": number} if number in self._answers and not self._answers[number].done():
                if message["success"]:
                    self._answers[number].set_result(message["result"])
                else:
                    self._answers[number].set_exception(
                        ApiError(str(message["error"].get("message", message["error"])))
                    )

    def _on_state_changed(self, event: Json) -> None:
        data = event["data"]
        entity_id, old, new = data["entity_id"], data["old_state"], data["new_state"]
        if new is None:
            self.states.pop(entity_id, None)
        else:
            self.states[entity_id] = new
        before, after = (old["state"] if old else None), (new["state"] if new else None)
        if before != after:
            self.changes.append((entity_id, before, after))
        self._changed.set()


@contextlib.asynccontextmanager
async def connected(url: str, token: str) -> AsyncIterator[HomeAssistantApi]:
    """A connection to the Home Assistant at `url` while the body runs."""
    async with (
        ClientSession() as session,
        session.ws_connect(f"{url}/api/websocket", max_msg_size=0, timeout=ClientWSTimeout(ws_close=2)) as socket,
    ):
        await socket.receive_json()
        await socket.send_json({"type": "auth", "access_token": token})
        if (greeting := await socket.receive_json())["type"] != "auth_ok":
            raise ApiError(f"Home Assistant did not let us in: {greeting}")
        api = HomeAssistantApi(session, socket, url, token)
        reader = asyncio.create_task(api.read(), name="home assistant events")
        try:
            await api.follow_states()
            yield api
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
