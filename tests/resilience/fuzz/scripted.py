"""An MCP server that says what it is told to, and repeats the secrets that it was given: scripted.py [SCRIPT].

As a program it speaks over its standard input and output; it knows the standard library only, so that it starts at
once.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any, Final

GIVEN: Final = "%authorization%"
"""In what the server says this stands for the whole of what it was given to show who calls."""
SECRET: Final = "%secret%"
"""And this for the secret in it."""
VARIABLE: Final = "SHOP_TOKEN"
"""Where the program finds it."""
PYTHON: Final = sys.executable
"""What runs the program."""

TOOL: Final = {"name": "add", "inputSchema": {"type": "object"}}


class Script:
    """What is said, in order; what is not in it is answered sanely."""

    def __init__(self, dealings: dict[str, Any]) -> None:
        self._left = {key: list(value) for key, value in dealings.items() if isinstance(value, list)}
        self._greeting = dealings.get("greeting", {})

    def replies(self, message: dict[str, Any], authorization: str) -> list[str]:
        """What a message is answered by, as texts of which the last one is the answer; none for a notification."""
        if "id" not in message or "method" not in message:
            return []
        notices = self._next("notices", [])
        texts = [json.dumps({"jsonrpc": "2.0", **notice}) for notice in notices]
        texts.append(self._next("raw", None) or json.dumps(self._answer(message)))
        _, _, token = authorization.rpartition(" ")
        return [text.replace(GIVEN, authorization).replace(SECRET, token) for text in texts]

    def _answer(self, message: dict[str, Any]) -> dict[str, Any]:
        method = message["method"]
        answer = {"jsonrpc": "2.0", "id": message["id"]}
        refusals = {"tools/list": "errors", "tools/call": "failures"}
        if (error := self._next(refusals.get(method, ""), None)) is not None:
            return answer | {"error": error}
        if method == "initialize":
            hello = {
                "protocolVersion": message["params"]["protocolVersion"],
                "capabilities": {"tools": {"listChanged": True}},
                "serverInfo": {"name": "x", "version": "1"},
            }
            return answer | {"result": {**hello, **self._greeting}}
        if method == "tools/list":
            return answer | {"result": self._next("listings", {"tools": [TOOL]})}
        return answer | {"result": self._next("results", {"content": []}) if method == "tools/call" else {}}

    def _next(self, key: str, otherwise: Any) -> Any:
        left = self._left.get(key)
        return left.pop(0) if left else otherwise


def main(path: str | None = None) -> None:
    """Speak with whoever has started the program."""
    given = os.environ[VARIABLE]
    script = Script({} if path is None else json.loads(Path(path).read_text(encoding="utf-8")))
    sys.stderr.write(f"I was given {given}\n")
    for line in sys.stdin:
        for text in script.replies(json.loads(line), given):
            sys.stderr.write(f"I say {text[:200]}\n")
            sys.stderr.flush()
            sys.stdout.write(text.replace("\n", " ") + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:2])
