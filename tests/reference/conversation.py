"""A naive conversation: one list of everything that was said, searched from its beginning every time."""

from dataclasses import dataclass, field


@dataclass
class Exchange:
    """A call of the peer: its id, what it said in full, and the answer, None while there is none."""

    message_id: str
    text: str
    answer: str | None = None


@dataclass
class NaiveConversation:
    """Says what a session must do, in words: ``("answer", id)``, ``("error", id)``, ``("ask", id)``, ...

    Parameters
    ----------
    backlog, remembered, bad_messages : int
        As the limits of a session.
    knows_21 : bool
        Whether CALLRESULTERROR and SEND exist.
    """

    backlog: int
    remembered: int
    bad_messages: int
    knows_21: bool = False
    exchanges: list[Exchange] = field(default_factory=list)
    ours: str | None = None
    n_ours: int = 0
    faults: int = 0

    @property
    def waiting(self):
        """Calls of the peer without an answer, the first one is being asked."""
        return [one for one in self.exchanges if one.answer is None]

    @property
    def known(self):
        """What is not forgotten: all that waits, and the last answers."""
        answered = sorted(
            (one for one in self.exchanges if one.answer is not None),
            key=lambda one: self.order.index(one.message_id),
        )
        return [*self.waiting, *answered[-self.remembered :]] if self.remembered else self.waiting

    order: list[str] = field(default_factory=list)
    """Ids of the peer's calls in the order of their answers."""

    @property
    def is_given_up(self):
        return self.faults > self.bad_messages

    # --- the peer -----------------------------------------------------------------------------

    def call(self, message_id, text, is_valid=True, is_known=True):
        same = next((one for one in self.known if one.message_id == message_id), None)
        if same is not None and same.text == text:
            return [] if same.answer is None else [("repeat", same.answer)]
        if same is None and not is_known:
            return [("error", message_id)]
        if same is not None or not is_valid or len(self.waiting) > self.backlog:
            self.faults += 1
            return [("error", message_id)]
        self.exchanges = [one for one in self.exchanges if one.message_id != message_id]
        self.order = [one for one in self.order if one != message_id]
        self.exchanges.append(Exchange(message_id, text))
        if len(self.waiting) > 1:
            return []
        self.faults = 0
        return [("ask", message_id)]

    def result(self, message_id, is_valid):
        if message_id != self.ours:
            return []
        self.ours, self.faults = None, 0
        if is_valid:
            return [("answered", message_id)]
        told = [("result error", message_id)] if self.knows_21 else []
        return [*told, ("failed", message_id)]

    def failure(self, message_id):
        if message_id != self.ours:
            return []
        self.ours, self.faults = None, 0
        return [("failed", message_id)]

    def garbage(self):
        self.faults += 1
        return [("error", "-1")]

    # --- we -----------------------------------------------------------------------------------

    def we_call(self):
        self.n_ours += 1
        self.ours = f"g{self.n_ours}"
        return [("call", self.ours)]

    def we_give_up(self):
        given_up, self.ours = self.ours, None
        return given_up

    def we_answer(self, text):
        first, *rest = self.waiting
        first.answer = text
        self.order.append(first.message_id)
        if rest:
            self.faults = 0
        return [("sent", first.message_id), *([("ask", rest[0].message_id)] if rest else [])]
