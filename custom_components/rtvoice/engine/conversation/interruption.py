"""Speech that interrupted the agent but turned out to be no words: the agent goes on where it stopped."""

from .items import Item

GO_ON = (
    "You fell silent because of a noise; nobody spoke. The user has heard everything up to these words: “{heard}”. "
    "Go on from there in mid-sentence, without repeating anything and without mentioning the interruption."
)


class Interruption:
    """The last interruption by speech, until it is known whether there were words in it."""

    def __init__(self) -> None:
        self._cut: Item | None = None
        self._speech: str | None = None
        self._discard_answer = False

    def by_speech(self, speech_item_id: str | None, cut: Item | None) -> None:
        """The user seemed to speak; `cut` is what the agent was saying."""
        # A second noise on top of the first one interrupts nothing new: what was cut is still to be gone on with.
        self._cut = cut or (self._cut if self._discard_answer else None)
        self._speech = speech_item_id
        self._discard_answer = False

    def words(self, item_id: str, text: str) -> Item | None:
        """What was said is known: the item to go on with, if there were no words in it."""
        if item_id != self._speech:
            return None
        cut, self._cut, self._speech = self._cut, None, None
        return None if any(character.isalnum() for character in text) else cut

    def discard_answer(self) -> None:
        """The provider is about to answer the noise."""
        self._discard_answer = True

    def take_discarded(self) -> bool:
        """Whether the response that begins answers a noise."""
        discard, self._discard_answer = self._discard_answer, False
        return discard

    def over(self) -> None:
        """The agent can be heard again; there is nothing to go on with."""
        self._cut = self._speech = None
