"""Names that are known to nobody else, and may become unknown."""

import asyncio
import socket
from typing import Any, override

from aiohttp.abc import AbstractResolver, ResolveResult

from custom_components.rtvoice.engine.providers.openai.dialect import Timeouts
from tests.resilience.proxy import Proxy

from .scene import TIMEOUTS, Connector, Provider

HOST = "provider.test"


class Names(AbstractResolver):
    """Knows the addresses of `hosts`."""

    def __init__(self, hosts: dict[str, str]) -> None:
        self.hosts = hosts
        self.known = dict(hosts)
        """What `hosts` held at first."""
        self.answers = True
        """Whether the name server says anything at all."""
        self.in_vain = 0
        """How often somebody asked for a name and did not come to know an address."""

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        await asyncio.sleep(0)
        if not self.answers:
            self.in_vain += 1
            await asyncio.Event().wait()
        if host not in self.hosts:
            self.in_vain += 1
            raise OSError(socket.EAI_NONAME, "Name or service not known")
        return [ResolveResult(hostname=host, host=self.hosts[host], port=port, family=family, proto=0, flags=0)]

    @override
    async def close(self) -> None:
        """Nothing to close."""


class NamedProvider(Provider):
    """A provider that is looked up in `names`."""

    def __init__(self, url: str, names: Names, timeouts: Timeouts, **connector: Any) -> None:
        self.names = names
        super().__init__(url, timeouts, Connector(resolver=names, use_dns_cache=False, **connector))


def named(proxy: Proxy, timeouts: Timeouts = TIMEOUTS) -> Provider:
    """A provider with a name of its own."""
    return NamedProvider(f"http://{HOST}:{proxy.port}/v1", Names({HOST: "127.0.0.1"}), timeouts)
