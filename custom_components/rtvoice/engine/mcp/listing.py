"""The list of a server's tools, whatever the server makes of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from .errors import RemoteError
from .package import METHOD_NOT_FOUND, Session
from .schemas import object_schema

MAX_PAGES: Final = 100
MAX_TOOLS: Final = 128
"""Of one server; providers take no more in all."""
MAX_DESCRIPTION_CHARS: Final = 4000
MAX_ODDITIES: Final = 20
_MAX_NAME_CHARS: Final = 256
_SHOWN_CHARS: Final = 64
"""Of a name, in words."""
_TOO_MANY: Final = f"It has more than {MAX_TOOLS} tools; the others are left out"
_ODDITIES: Final = "rtvoice/oddities"


@dataclass(frozen=True, slots=True)
class MCPTool:
    """A tool as its server names and describes it."""

    name: str
    description: str
    parameters: Mapping[str, object]
    """JSON schema of an object, repaired where the server's was odd."""


@dataclass(frozen=True, slots=True)
class Listing:
    """All tools of a server, and what was odd about the list, in words."""

    tools: tuple[MCPTool, ...] = ()
    oddities: tuple[str, ...] = ()

    def only(self, allowed: Collection[str] | None) -> Listing:
        """The tools that are allowed; those that are allowed and not there are odd."""
        if allowed is None:
            return self
        missing = sorted(set(allowed) - {tool.name for tool in self.tools})
        oddities = tuple(f"Tool '{name}' is allowed, but the server has no such tool" for name in missing)
        return Listing(tuple(tool for tool in self.tools if tool.name in allowed), self.oddities + oddities)


async def list_all(session: Session) -> Listing:
    """All pages of the list, MAX_TOOLS at most. A server without tools has an empty one.

    Raises RemoteError and LinkLostError.
    """
    tools: dict[str, MCPTool] = {}
    oddities: list[str] = []
    cursor: str | None = None
    seen: set[str] = set()
    while True:
        try:
            page = await session.list_page(cursor)
        except RemoteError as err:
            if err.code == METHOD_NOT_FOUND and not seen:
                return Listing()
            raise
        oddities.extend((page.get("_meta") or {}).get(_ODDITIES, ()))
        for raw in page.get("tools", ()):
            tools.setdefault(raw["name"], MCPTool(raw["name"], raw["description"], raw["inputSchema"]))
        cursor = page.get("nextCursor")
        if len(tools) > MAX_TOOLS:
            oddities.insert(0, _TOO_MANY)
            break
        if not cursor:
            break
        if cursor in seen or len(seen) >= MAX_PAGES:
            oddities.append("The list of tools does not end")
            break
        seen.add(cursor)
    return Listing(tuple(tools.values())[:MAX_TOOLS], tuple(dict.fromkeys(oddities))[:MAX_ODDITIES])


def mended_listing(result: Mapping[str, Any]) -> dict[str, Any]:
    """A page of the list in which each tool is valid; what was odd is noted in its `_meta`.

    Schemas of results are left out: a result that does not fit is better than none.
    """
    oddities: list[str] = []
    tools: list[dict[str, Any]] = []
    listed = result.get("tools")
    for raw in listed[:MAX_TOOLS] if isinstance(listed, list) else ():
        if isinstance(raw, dict) and isinstance(name := raw.get("name"), str) and name:
            if len(name) > _MAX_NAME_CHARS:
                oddities.append("A tool whose name is too long is left out")
                continue
            schema, odd = object_schema(raw.get("inputSchema"))
            oddities.extend(f"Tool '{name:.{_SHOWN_CHARS}}': {words}" for words in odd)
            tools.append({"name": name, "description": _description(raw), "inputSchema": schema})
        else:
            oddities.append("A tool without a name is left out")
    if not isinstance(listed, list):
        oddities.append("The list of tools is none")
    elif len(listed) > MAX_TOOLS:
        oddities.insert(0, _TOO_MANY)
    page: dict[str, Any] = {"tools": tools, "_meta": {_ODDITIES: oddities}}
    if isinstance(cursor := result.get("nextCursor"), str):
        page["nextCursor"] = cursor
    return page


def _description(raw: Mapping[str, Any]) -> str:
    annotations = raw.get("annotations")
    candidates = [raw.get("description"), raw.get("title")]
    if isinstance(annotations, dict):
        candidates.append(annotations.get("title"))
    told: str = next((text for text in candidates if isinstance(text, str) and text.strip()), raw["name"])
    return told[:MAX_DESCRIPTION_CHARS]
