"""What a tool of a server returned, as text for the model."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import orjson

from ..errors import ToolFailedError

MAX_BLOCKS: Final = 1000
"""Of a result. A message has room for half a million, which the package would take many seconds to read."""
_BLOCKS: Final = {
    "text": ("text",),
    "image": ("data", "mimeType"),
    "audio": ("data", "mimeType"),
    "resource_link": ("uri", "name"),
}


def mended_result(result: Mapping[str, Any]) -> dict[str, Any]:
    """A result in which each block is one that the package knows; others become text."""
    content = result.get("content")
    blocks = content if isinstance(content, list) else [] if content is None else [content]
    mended: dict[str, Any] = {"content": [_mended_block(block) for block in blocks[:MAX_BLOCKS]]}
    if len(blocks) > MAX_BLOCKS:
        mended["content"].append({"type": "text", "text": f"[{len(blocks) - MAX_BLOCKS} more parts are left out]"})
    if result.get("isError") is True:
        mended["isError"] = True
    structured = result.get("structuredContent")
    if structured is not None:
        mended["structuredContent"] = structured if isinstance(structured, dict) else {"result": structured}
    return mended


def result_text(result: Mapping[str, Any]) -> str:
    """The result as text or JSON, empty if the server said nothing. Raises ToolFailedError for a failure."""
    parts = [_said(block) for block in result.get("content") or ()]
    text = "\n".join(part for part in parts if part)
    structured = result.get("structuredContent")
    if structured is not None and not _same(text, structured):
        text = "\n".join(filter(None, (text, _json(structured))))
    if result.get("isError"):
        raise ToolFailedError(text or "The tool failed and did not say why")
    return text


def _mended_block(block: object) -> dict[str, Any]:
    if isinstance(block, str):
        return {"type": "text", "text": block}
    if isinstance(block, dict):
        # Annotations and the like are nothing to the model, and the package refuses odd ones.
        if block.get("type") == "resource" and _is_resource(block.get("resource")):
            return {"type": "resource", "resource": block["resource"]}
        needed = _BLOCKS.get(str(block.get("type")))
        if needed is not None and all(isinstance(block.get(key), str) for key in needed):
            return {"type": block["type"], **{key: block[key] for key in needed}}
    return {"type": "text", "text": _json(block)}


def _is_resource(resource: object) -> bool:
    return isinstance(resource, dict) and any(isinstance(resource.get(key), str) for key in ("text", "blob"))


def _said(block: Mapping[str, Any]) -> str:
    match block.get("type"):
        case "text":
            return str(block["text"])
        case "image" | "audio" as kind:
            return _note(kind, block["mimeType"], block["data"])
        case "resource_link":
            return f"[link to {block['name']}: {block['uri']}]"
        case _:
            resource = block["resource"]
            text = resource.get("text")
            return text if isinstance(text, str) else _note("file", resource.get("mimeType"), resource.get("blob", ""))


def _note(kind: str, mime_type: object, data: str) -> str:
    """What is not shown to the model, in words."""
    details = (str(mime_type), f"{len(data) * 3 // 4} bytes") if mime_type else (f"{len(data) * 3 // 4} bytes",)
    return f"[{kind}, {', '.join(details)}; it cannot be shown here]"


def _same(text: str, structured: Any) -> bool:
    """Whether the text says what the structure says: servers send both for clients that know only one."""
    said: list[object] = [text]
    with suppress(orjson.JSONDecodeError):
        said.append(orjson.loads(text))
    return any(structured in (value, {"result": value}) for value in said)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
