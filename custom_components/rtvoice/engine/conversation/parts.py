"""The sub-machines of a conversation, and the one step that concerns several of them at once: falling silent."""

from ..events import AgentError, AgentErrorEvent, AssistantInterruptedEvent
from .deadlines import Deadlines
from .effects import ClearPlayout, Effect, Publish
from .floor import Floor
from .inactivity import Inactivity
from .input_gate import InputGate
from .interruption import Interruption
from .items import Items
from .remote import RemoteCalls
from .responses import Purpose, Responses
from .settings import ConversationSettings
from .tool_calls import ToolCalls
from .turns import Turns
from .updates import Updates
from .values import PlayoutPosition, ProviderFault


class Parts:
    """Each sub-machine owns its own state; nobody else changes it."""

    def __init__(self, settings: ConversationSettings) -> None:
        self.settings = settings
        self.deadlines = Deadlines()
        self.items = Items()
        self.floor = Floor(settings.capabilities, streams=settings.streams)
        self.responses = Responses(self.deadlines)
        self.turns = Turns(self.deadlines)
        self.tools = ToolCalls(settings.tools)
        self.remote = RemoteCalls(self.deadlines, self.responses, self.tools)
        self.updates = Updates()
        self.background_work = False
        """Whether something is being worked on that no tool call waits for."""
        self.interruption = Interruption()
        self.input = InputGate(half_duplex=settings.half_duplex, deadlines=self.deadlines)
        self.inactivity = Inactivity(settings.inactivity_timeout_s, self.deadlines)

    @property
    def quiet(self) -> bool:
        """Whether nobody speaks, nobody is about to, and nothing is being worked on."""
        at_work = self.tools.running or self.remote.running
        return not (self.floor.busy or self.responses.busy or self.turns.hold or at_work)

    def interrupt(self, position: PlayoutPosition, now_s: float, *, cancel: bool) -> list[Effect]:
        """Fall silent: what is queued is dropped, what was heard is told, the running response is over.

        With `cancel` the provider is told to stop generating; without, it does that by itself.
        """
        generating = self.responses.active
        self.responses.forget(Purpose.HOLDING)
        cut = self.floor.cut(position, generating=generating is not None)
        effects: list[Effect] = [] if cut is None else [ClearPlayout()]
        if generating is not None:
            self.responses.silence(generating)
            # First: what is generated behind the truncation of an item would make it longer again.
            effects += self.responses.cancel(generating) if cancel else []
        if cut is not None:
            item = cut.item
            effects += cut.told
            effects.append(Publish(AssistantInterruptedEvent(item.item_id, int(item.heard_ms or 0), item.heard_text)))
            effects += self.input.agent_silent(now_s)
        return effects

    def instructed(self, addition: str | None) -> str | None:
        """Instructions of a single response; they replace the session's, so these come first."""
        if addition is None:
            return None
        return f"{self.settings.instructions}\n\n{addition}" if self.settings.instructions else addition


def error(kind: str, fault: ProviderFault) -> Publish:
    """Tell observers of an error that the session survives."""
    return Publish(AgentErrorEvent(AgentError(kind, fault.message, fault.code, fault.param)))
