"""Callbacks for those who prefer methods to subscriptions."""

from . import events as ev


class AgentListener:
    """Override what you care about. What a callback raises is logged and concerns nobody else."""

    async def on_agent_starting(self) -> None:
        """`run()` was called; nothing has been connected yet."""

    async def on_agent_session_connected(self) -> None:
        """The provider is ready and audio flows."""

    async def on_agent_stopped(self) -> None:
        """The session has ended and everything of it is closed."""

    async def on_agent_interrupted(self) -> None:
        """The agent fell silent before it had finished."""

    async def on_agent_error(self, error: ev.AgentError) -> None:
        """Something went wrong."""

    async def on_user_inactivity_countdown(self, remaining_seconds: int) -> None:
        """The session ends in 5, 4, 3, 2, 1 seconds unless somebody speaks."""

    async def on_user_transcript(self, text: str) -> None:
        """What the user said."""

    async def on_assistant_transcript(self, text: str) -> None:
        """What the agent says."""

    async def on_assistant_transcript_delta(self, delta: str) -> None:
        """A piece of what the agent says or writes."""

    async def on_user_started_speaking(self) -> None:
        """The user began to speak."""

    async def on_user_stopped_speaking(self) -> None:
        """The user stopped speaking."""

    async def on_assistant_started_responding(self) -> None:
        """The model began a response."""

    async def on_assistant_stopped_responding(self) -> None:
        """The response is finished and was heard."""

    async def on_subagent_started(self, agent_name: str) -> None:
        """A subagent began to work."""

    async def on_subagent_finished(self, agent_name: str) -> None:
        """A subagent has finished."""

    async def on_tool_executed(self, name: str, ok: bool, silent: bool) -> None:
        """A tool has run."""


async def notify(listener: AgentListener, event: ev.SessionEvent) -> None:
    """Call the callback that belongs to an event."""
    match event:
        case ev.AgentStartingEvent():
            await listener.on_agent_starting()
        case ev.AgentSessionConnectedEvent():
            await listener.on_agent_session_connected()
        case ev.AgentStoppedEvent():
            await listener.on_agent_stopped()
        case ev.AgentErrorEvent(error=error):
            await listener.on_agent_error(error)
        case ev.UserInactivityCountdownEvent(remaining_seconds=remaining):
            await listener.on_user_inactivity_countdown(remaining)
        case ev.SubAgentStartedEvent(agent_name=name):
            await listener.on_subagent_started(name)
        case ev.SubAgentFinishedEvent(agent_name=name):
            await listener.on_subagent_finished(name)
        case _:
            await _notify_of_dialogue(listener, event)


async def _notify_of_dialogue(listener: AgentListener, event: ev.SessionEvent) -> None:
    match event:
        case ev.AssistantInterruptedEvent():
            await listener.on_agent_interrupted()
        case ev.UserTranscriptCompletedEvent(transcript=text):
            await listener.on_user_transcript(text)
        case ev.AssistantTranscriptCompletedEvent(transcript=text):
            await listener.on_assistant_transcript(text)
        case ev.AssistantTranscriptDeltaEvent(delta=delta):
            await listener.on_assistant_transcript_delta(delta)
        case ev.UserStartedSpeakingEvent():
            await listener.on_user_started_speaking()
        case ev.UserStoppedSpeakingEvent():
            await listener.on_user_stopped_speaking()
        case ev.AssistantStartedRespondingEvent():
            await listener.on_assistant_started_responding()
        case ev.AssistantStoppedRespondingEvent():
            await listener.on_assistant_stopped_responding()
        case ev.ToolExecutedEvent(name=name, ok=ok, silent=silent):
            await listener.on_tool_executed(name, ok, silent)
