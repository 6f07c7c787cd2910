"""The tools of a session, all under one policy."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from homeassistant.core import CALLBACK_TYPE, HomeAssistant
from homeassistant.helpers import llm
from homeassistant.util.hass_dict import HassKey

from ..const import CONF_ACTIONS, CONF_DANGEROUS_ACTIONS, CONF_READ_STATES, DOMAIN
from ..engine import ConversationTurn, RealtimeAgent, Tools
from ..engine.events import AgentSessionConnectedEvent, AgentStoppedEvent, SessionEvent
from ..engine.everyday import WAIT_FOR_USER as WAITING_TOOL
from .parties import Agent
from .policy.calls import Answer, HomeTool
from .policy.guard import Guard, Trust
from .policy.options import PolicyOptions
from .policy.pin import PinTries
from .toolbox.actions import async_action_tools
from .toolbox.apis import api_tools, async_api_instances, merged
from .toolbox.changes import async_follow_changes
from .toolbox.guarded import GuardedTools, Judge
from .toolbox.offer import offer
from .toolbox.states import state_tools
from .toolbox.titles import readable, titles
from .toolbox.watch import Watches

MAX_OUTPUT_CHARS: Final = 60_000
"""Enough for the states of some hundred entities, which Assist gives in one piece."""
WAIT_FOR_USER: Final = WAITING_TOOL.name

_MAX_CONVERSATIONS: Final = 64
_TRIES: Final[HassKey[dict[str, tuple[str | None, PinTries]]]] = HassKey(f"{DOMAIN}_pin_tries")
_TRUST: Final[HassKey[dict[tuple[str, str, str | None], Trust]]] = HassKey(f"{DOMAIN}_trust")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSource:
    """Whose tools are wanted, and for what kind of session."""

    agent: Agent
    llm_context: llm.LLMContext
    live: bool = False
    """Whether the user and the agent speak with each other, rather than one message being answered."""
    conversation_id: str | None = None
    """Of a conversation that goes on over several sessions."""


class Kit:
    """What a session's tools are made of."""

    def __init__(self, hass: HomeAssistant, source: ToolSource) -> None:
        self._source = source
        self._policy = PolicyOptions.read(source.agent.subentry.data)
        self.hass = hass
        guard = Guard(
            hass,
            self._policy,
            _trust(hass, source, self._policy),
            device_id=source.llm_context.device_id,
            hears_words=not source.live or source.agent.writes_down,
        )
        self.guard = guard
        self.judge = Judge(hass, guard)
        self.watches = Watches(hass, source.llm_context, lambda: self.guard.quiet)

    def new_tools(self) -> GuardedTools:
        """An empty registry for the session."""
        return GuardedTools(max_output_chars=MAX_OUTPUT_CHARS, judge=self.judge)

    @property
    def assistant(self) -> str:
        """The assistant whose exposed entities are known."""
        return self._source.llm_context.assistant

    async def async_gather(self) -> tuple[list[HomeTool], llm.APIInstance | None]:
        """All tools that there are at the moment, and the LLM APIs among them."""
        data, context = self._source.agent.subentry.data, self._source.llm_context
        apis = self._source.agent.options.llm_apis
        instances = await async_api_instances(self.hass, apis, context)
        tools = [tool for instance in instances for tool in api_tools(self.hass, instance)]
        tools += await async_action_tools(
            self.hass, data.get(CONF_ACTIONS, ()), data.get(CONF_DANGEROUS_ACTIONS, ()), context
        )
        if data.get(CONF_READ_STATES, llm.LLM_API_ASSIST in apis):
            tools += self._looking()
        if self._source.live:
            tools.append(_WAITING)
        return tools, merged(instances)

    def _looking(self) -> Iterator[HomeTool]:
        yield from state_tools(self.hass, self._source.llm_context)
        if self._source.live:
            yield self.watches.tool()


class Toolbox:
    """The tools of a session, and what Home Assistant calls them.

    `attach` it to the agent that uses them: it hears what is said, keeps the tools up to date while the house changes,
    and lets go of everything when the session ends. The entities that the instructions list stay those of the
    beginning; what has changed since, the tools that look at states show.
    """

    def __init__(self, tools: Tools, kit: Kit | None = None) -> None:
        self.tools = tools
        self.names: dict[str, str] = {}
        """Home Assistant's name by the name that the model knows."""
        self.api: llm.APIInstance | None = None
        self._kit = kit
        self._titles: dict[str, str] = {}
        self._unfollow: CALLBACK_TYPE | None = None

    @property
    def guard(self) -> Guard | None:
        """Who judges the calls; None where the tools are not the agent's own."""
        return self._kit.guard if self._kit else None

    @property
    def prompt(self) -> str:
        """What the model must know to use them."""
        parts = (self.api.api_prompt if self.api else "", self._kit.guard.prompt if self._kit else "")
        return "\n".join(filter(None, parts))

    def title(self, name: str) -> str:
        """What people call the tool that Home Assistant calls `name`."""
        return self._titles.get(name) or readable(name)

    def hide(self, event: SessionEvent) -> SessionEvent:
        """An event of the session as it may be shown and told."""
        return event if self._kit is None else self._kit.guard.hide(event)

    def hide_in(self, turn: ConversationTurn) -> ConversationTurn:
        """A turn as it may be shown, told and remembered."""
        if self._kit is None:
            return turn
        return turn.model_copy(update={"transcript": self._kit.guard.hide_in(turn.transcript)})

    def hide_so_far(self, text: str) -> str:
        """Words that are not complete, as they may be shown and told."""
        return text if self._kit is None else self._kit.guard.hide_so_far(text)

    async def async_refresh(self) -> bool:
        """Gather the tools anew; whether the model must be told.

        What others have put into `tools` before the agent was made stays, and is judged as well.
        """
        if (kit := self._kit) is None:
            return False
        offered, self.api = await kit.async_gather()
        before = self.tools.definitions()
        others = self.tools.clone()
        for name in kit.judge.known:
            others.remove(name)
        tools = kit.new_tools()
        known = offer(kit.hass, tools, offered, others.names(), kit.assistant)
        tools.merge(others)
        kit.judge.known = known
        self.names.update({name: tool.name for name, tool in known.items()})
        self._titles.update(titles(known.values()))
        self.tools = tools
        return tools.definitions() != before

    def attach(self, engine: RealtimeAgent, *, typed: bool = False) -> None:
        """Serve this agent, which does not run yet; `typed` where the user writes instead of speaking."""
        if (kit := self._kit) is None:
            return
        kit.guard.follow(lambda: engine.turns, typed=typed)
        kit.watches.speak_by(engine.ask)

        async def keep_up() -> None:
            if await self.async_refresh():
                await engine.update_tools(self.tools)

        async def receive(event: SessionEvent) -> None:
            kit.guard.receive(event)
            if isinstance(event, AgentSessionConnectedEvent) and self._unfollow is None:
                self._unfollow = async_follow_changes(kit.hass, kit.assistant, keep_up)
            if isinstance(event, AgentStoppedEvent):
                self._close(kit)

        engine.event_bus.subscribe(SessionEvent, receive)

    def _close(self, kit: Kit) -> None:
        kit.watches.close()
        if self._unfollow is not None:
            self._unfollow()
            self._unfollow = None


async def async_build_toolbox(hass: HomeAssistant, source: ToolSource) -> Toolbox:
    """The tools that an agent has, as far as they exist and the user of the context may use them."""
    kit = Kit(hass, source)
    toolbox = Toolbox(kit.new_tools(), kit)
    await toolbox.async_refresh()
    return toolbox


def _trust(hass: HomeAssistant, source: ToolSource, policy: PolicyOptions) -> Trust:
    """What is remembered of what one user said in a conversation; what another says there is not their leave."""
    agent_id, context = source.agent.subentry_id, source.llm_context.context
    tries = _tries(hass, agent_id, policy.pin)
    if source.conversation_id is None:
        return Trust.new(policy, tries)
    known = hass.data.setdefault(_TRUST, {})
    key = (agent_id, source.conversation_id, context.user_id if context is not None else None)
    trust = known.pop(key, Trust.new(policy, tries))
    if not trust.confirmations.is_for(policy.pin):
        trust = Trust.new(policy, tries)
    # Put at the end: the one that was used least recently goes first.
    known[key] = trust
    while len(known) > _MAX_CONVERSATIONS:
        del known[next(iter(known))]
    return trust


def _tries(hass: HomeAssistant, agent_id: str, pin: str | None) -> PinTries:
    """Wrong PINs are remembered of the agent, wherever they were said, until it has another PIN."""
    known = hass.data.setdefault(_TRIES, {})
    if agent_id not in known or known[agent_id][0] != pin:
        known[agent_id] = (pin, PinTries())
    return known[agent_id][1]


async def _async_wait(arguments: dict[str, object]) -> Answer:  # noqa: ARG001 - the signature of a tool
    return Answer({"waiting": True})


_WAITING: Final = HomeTool(
    WAITING_TOOL,
    name=WAIT_FOR_USER,
    call=_async_wait,
    reads_only=True,
    respond=False,
)
