"""What a conversation remembers of calls: those that wait for us, and the answers that may be asked for again."""

from dataclasses import dataclass

from api.ocpp.frames import Call


@dataclass(frozen=True, slots=True)
class TakenCall:
    """A call of the peer that was taken; ``fingerprint`` is that of its text."""

    call: Call
    fingerprint: int


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """An answer of ours.

    Of the call it is known what its text's hash was, which tells whether it comes again: the call itself would
    take a hundred times the memory, for each of ten thousand stations.
    """

    fingerprint: int
    text: str


class GivenAnswers:
    """The newest answers, by the ids of their calls.

    Parameters
    ----------
    most : int
    """

    __slots__ = ("_answers", "_most")

    def __init__(self, most: int) -> None:
        self._answers: dict[str, GivenAnswer] = {}
        self._most = most

    def __contains__(self, message_id: str) -> bool:
        return message_id in self._answers

    def get(self, message_id: str) -> GivenAnswer | None:
        """Return the answer to a call of this id."""
        return self._answers.get(message_id)

    def keep(self, taken: TakenCall, text: str) -> None:
        """Remember an answer, and forget the oldest one where there are too many."""
        self._answers[taken.call.message_id] = GivenAnswer(taken.fingerprint, text)
        if len(self._answers) > self._most:
            del self._answers[next(iter(self._answers))]
