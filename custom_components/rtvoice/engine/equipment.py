"""The tools of an agent, from wherever they come."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from .conversation.values import ResponseUsage
from .events import SessionEvent
from .mcp import MCPServer, MCPTools
from .skills import Skill, SkillTools
from .subagents import SubAgent, SubAgentTools
from .tools import Tools


class EquipmentObserver(Protocol):
    """Who is told what becomes of an agent's equipment."""

    def on_tools_changed(self) -> None:
        """Other tools are at hand."""

    def on_work(self, event: SessionEvent) -> None:
        """A subagent began to work, or has ended."""

    def on_report(self, text: str) -> None:
        """A subagent that nobody waited for has something to tell."""

    def on_usage(self, source: str, model: str, usage: ResponseUsage) -> None:
        """A subagent has used its model."""


@dataclass(frozen=True, slots=True)
class EquipmentOptions:
    """What an agent is equipped with beside its own tools."""

    mcp_servers: Sequence[MCPServer] = ()
    subagents: Sequence[SubAgent] = ()
    skills: Sequence[Skill] = ()


class Equipment:
    """Keeps the tools of MCP servers, subagents and skills in an agent's registry while it is started.

    Raises ConfigurationError for names that are taken.
    """

    def __init__(self, registry: Tools, options: EquipmentOptions, observer: EquipmentObserver) -> None:
        self._registry = registry
        self._own = registry.names()
        self._servers = MCPTools(options.mcp_servers, registry, on_change=observer.on_tools_changed)
        self._skills = SkillTools(options.skills)
        self._skills.register(registry)
        self._subagents = SubAgentTools(
            options.subagents,
            registry,
            publish=observer.on_work,
            on_change=observer.on_tools_changed,
            on_report=observer.on_report,
            on_usage=observer.on_usage,
        )

    @property
    def instructions(self) -> str:
        """What the model must know of it."""
        return self._skills.index

    @property
    def at_work(self) -> bool:
        """Whether a subagent works."""
        return bool(self._subagents.running)

    async def start(self, patience_s: float) -> None:
        """Connect what has to be; what takes longer than `patience_s` comes later. Never raises. Idempotent."""
        await self._subagents.start()
        await self._servers.start(patience_s)

    async def close(self) -> None:
        """Stop all work and close everything; programs are gone afterwards. Idempotent."""
        await asyncio.gather(self._subagents.close(), self._servers.close())

    async def cancel_work(self) -> None:
        """Stop the subagents that work."""
        await self._subagents.cancel()

    def replace_tools(self, tools: Tools) -> None:
        """Offer other tools in place of the agent's own. Raises ValueError for names that its equipment has."""
        for name in self._own:
            self._registry.remove(name)
        self._own = ()
        self._registry.merge(tools)
        self._own = tools.names()
