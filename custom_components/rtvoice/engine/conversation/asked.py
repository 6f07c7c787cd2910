"""What the engine's user asks for."""

from typing import assert_never

from ..errors import EndReason
from ..events import UserTranscriptCompletedEvent
from .effects import AddItem, Close, CommitInput, Effect, EndTurn, Publish
from .parts import Parts
from .responses import Purpose, Wanted
from .user_commands import (
    InterruptAsked,
    MessageSent,
    MuteChanged,
    NoteAdded,
    ResponseAsked,
    SayAsked,
    SpeedChanged,
    StopAsked,
    ToolChoiceChanged,
    ToolsChanged,
    TurnEnded,
    UserCommand,
    WordsLent,
)
from .values import ItemKind, NewItem, PlayoutPosition, ToolChoice

SAY = 'Speak the words between the quotation marks, in their language, and nothing else. Say exactly: "{text}"'


class Asked:
    """Carries out commands; those that need the provider wait until it is ready."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._deferred: list[UserCommand] = []
        self._ready = False
        self._typed = 0
        self._told = 0
        self._stop: StopAsked | None = None

    @property
    def stop(self) -> StopAsked | None:
        """Set once the session is to end when it is quiet."""
        return self._stop

    def stop_when_silent(self, reason: EndReason) -> None:
        """End the session as soon as it is quiet."""
        self._stop = self._stop or StopAsked(reason, when_silent=True)

    def open(self, position: PlayoutPosition, now_s: float) -> list[Effect]:
        """The provider is ready: carry out what was asked for meanwhile."""
        self._ready = True
        deferred, self._deferred = self._deferred, []
        return [effect for command in deferred for effect in self.carry_out(command, position, now_s)]

    def close(self) -> None:
        """The provider cannot be reached: commands that need it wait."""
        self._ready = False

    def carry_out(self, command: UserCommand, position: PlayoutPosition, now_s: float) -> list[Effect]:
        """Carry out a command now or, where it needs the provider, as soon as that is ready."""
        if isinstance(command, StopAsked):
            return self._end(command)
        if isinstance(command, MuteChanged):
            return self._parts.input.mute(now_s, muted=command.muted)
        if isinstance(command, InterruptAsked):
            return self._fall_silent(command, position, now_s)
        if isinstance(command, TurnEnded):
            return self._end_turn(command, now_s)
        if not self._ready:
            self._deferred.append(command)
            return []
        match command:
            case SayAsked() | MessageSent() | ResponseAsked() | NoteAdded() | WordsLent():
                return self._speak(command, now_s)
            case SpeedChanged() | ToolsChanged() | ToolChoiceChanged():
                if isinstance(command, ToolsChanged):
                    self._parts.tools.change(command.tools)
                self._parts.updates.collect(command)
                return []
        assert_never(command)

    def _end(self, command: StopAsked) -> list[Effect]:
        if command.when_silent and self._ready:
            if command.farewell is not None and self._stop is None:
                farewell = self._parts.instructed(command.farewell)
                self._parts.responses.want(Wanted(Purpose.ASKED, farewell, ToolChoice.NONE))
            self.stop_when_silent(command.reason)
            return []
        return [Close(command.reason)]

    def _fall_silent(self, command: InterruptAsked, position: PlayoutPosition, now_s: float) -> list[Effect]:
        parts = self._parts
        self._deferred = [command for command in self._deferred if not isinstance(command, SayAsked | ResponseAsked)]
        parts.responses.forget(*Purpose)
        parts.responses.drop_pending(*Purpose)
        parts.tools.hush()
        parts.remote.hush()
        effects = [*parts.interrupt(position, now_s, cancel=True), *parts.tools.cancel_interruptible()]
        if command.heard_s is not None:
            effects += parts.input.user_speaks(command.heard_s, now_s)
        return effects

    def _speak(
        self, command: SayAsked | MessageSent | ResponseAsked | NoteAdded | WordsLent, now_s: float
    ) -> list[Effect]:
        parts = self._parts
        match command:
            case SayAsked():
                instructions = parts.instructed(SAY.format(text=command.text))
                parts.responses.want(Wanted(Purpose.ASKED, instructions, ToolChoice.NONE))
                return []
            case ResponseAsked():
                parts.responses.want(Wanted(Purpose.ASKED, parts.instructed(command.instructions)))
                return []
            case NoteAdded():
                if command.respond:
                    parts.responses.want(Wanted(Purpose.ASKED))
                return self._tell(ItemKind.SYSTEM_MESSAGE, "note", command.text, now_s)
            case WordsLent():
                return self._tell(ItemKind.AGENT_MESSAGE, "lent", command.text, now_s)
            case MessageSent():
                return self._type(command, now_s)
        assert_never(command)

    def _tell(self, kind: ItemKind, name: str, text: str, now_s: float) -> list[Effect]:
        self._told += 1
        item_id = f"{name}-{self._told}"
        self._parts.items.ensure(item_id, kind, now_s).text = text
        return [AddItem(NewItem(kind, text, item_id=item_id))]

    def _type(self, command: MessageSent, now_s: float) -> list[Effect]:
        parts = self._parts
        self._typed += 1
        item_id = f"typed-{self._typed}"
        parts.items.ensure(item_id, ItemKind.USER_MESSAGE, now_s).text = command.text
        parts.turns.ended(now_s)
        parts.responses.want(Wanted(Purpose.ASKED))
        item = NewItem(ItemKind.USER_MESSAGE, command.text, command.image, item_id)
        return [AddItem(item), Publish(UserTranscriptCompletedEvent(command.text, item_id))]

    def _end_turn(self, command: TurnEnded, now_s: float) -> list[Effect]:
        """Push-to-talk only: with voice activity detection the provider commits by itself and refuses another.

        Turns that end while there is no provider are committed as one, behind all of their audio.
        """
        parts = self._parts
        if not parts.settings.push_to_talk:
            return []
        parts.turns.handed_over(now_s)
        if command.respond and (self._ready or not parts.responses.wants(Purpose.TURN)):
            parts.responses.want(Wanted(Purpose.TURN))
        return [EndTurn(), CommitInput()]
