"""Where a provider is and how to be let in."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Self

from yarl import URL

from ...errors import AuthenticationError, ConfigurationError
from .dialect import TIMEOUTS, Dialect, Timeouts
from .faults import PLAIN, Redactor

type TokenProvider = Callable[[], str | Awaitable[str]]
"""Returns a token; asked anew for every connection. One that is no coroutine function runs in a thread."""

AUTHORIZATION: Final = "Authorization"

_SCHEMES: Final = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_REALTIME: Final = "/realtime"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address, the headers that open it, and the dialect that is spoken there."""

    root: URL
    """What the paths of the API are appended to, with scheme http or https."""
    dialect: Dialect
    timeouts: Timeouts = TIMEOUTS
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    redact: Redactor = PLAIN
    token_provider: TokenProvider | None = field(default=None, repr=False)
    """Where the token comes from that is let in, if it is not a key."""
    deployment: str | None = None
    """What stands in the place of the model, where a server names its models itself."""

    @classmethod
    def at(
        cls,
        base_url: str,
        dialect: Dialect,
        *,
        api_key: str | None = None,
        key_header: str = AUTHORIZATION,
        headers: Mapping[str, str | None] | None = None,
        timeouts: Timeouts,
    ) -> Self:
        """An endpoint from what a user entered; headers that are None are left out, the key goes into `key_header`.

        Raises ConfigurationError for an impossible address and AuthenticationError for an impossible key.
        """
        sent = {name: value for name, value in (headers or {}).items() if value}
        key = (api_key or "").strip()
        if key:
            sent[key_header] = f"Bearer {_sound(key)}" if key_header == AUTHORIZATION else _sound(key)
        if not all(value.isprintable() for value in sent.values()):
            raise ConfigurationError("Organization and project must be plain text")
        return cls(_root(base_url), dialect, timeouts, sent, Redactor(key or None))

    def with_token(self, token: str) -> Self:
        """The endpoint as somebody with this token sees it. Raises AuthenticationError for what cannot be one."""
        if not token:
            raise AuthenticationError("The token provider gave no token")
        headers = {**self.headers, AUTHORIZATION: f"Bearer {_sound(token)}"}
        return replace(self, headers=headers, redact=Redactor(token), token_provider=None)

    def realtime(self, model: str) -> URL:
        """Where sessions with a model are opened."""
        url = self.refusal(model)
        return url.with_scheme("wss" if url.scheme == "https" else "ws")

    def refusal(self, model: str) -> URL:
        """Where a plain request is told in words why sessions with a model are refused."""
        return self._path(_REALTIME).update_query(model=self.deployment or model)

    def models(self) -> URL:
        """Where the models are listed."""
        return self._path("/models")

    def _path(self, path: str) -> URL:
        return self.root.with_path(self.root.raw_path.rstrip("/") + path, encoded=True).with_query(self.root.query)


def _sound(key: str) -> str:
    if not (key.isascii() and key.isprintable()):
        raise AuthenticationError("The key contains characters that no key has")
    return key


def _root(base_url: str) -> URL:
    try:
        url = URL(base_url.strip())
        complete = bool(url.host) and url.port is not None
    except ValueError as err:
        raise ConfigurationError("The address of the provider is not a URL") from err
    if url.scheme not in _SCHEMES or not complete:
        raise ConfigurationError("The address of the provider must begin with https://, wss://, http:// or ws://")
    if url.user is not None or url.password is not None:
        raise ConfigurationError("The address of the provider must not contain a user name or password")
    # A bare host is short for the version of the API that there is.
    path = url.raw_path.rstrip("/").removesuffix(_REALTIME) or ("" if _REALTIME in url.raw_path else "/v1")
    return url.with_scheme(_SCHEMES[url.scheme]).with_path(path, encoded=True).with_query(url.query)
