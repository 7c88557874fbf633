"""A grammar of hostile frames."""

import json
import re
from collections import deque
from collections.abc import Callable, Mapping
from enum import StrEnum
from random import Random
from types import MappingProxyType
from typing import Any, Final

from api.ocpp.capabilities import OcppVersion
from api.ocpp.frames import MAX_FRAME_BYTES
from benchmarks.hostile.words import Vocabulary

_TOKENS: Final = (
    *("[", "]", "{", "}", ",", ":", '"', '"a"', "2", "3", "4", "5", "6", "-1", "null", "true", "1e999"),
    *("\\u0000", "\\ud83d", "\t", "NaN", "Infinity", '{"":', "[[[[", "/*", "'", "\x00", "\ufeff", "0x1"),
)
_HUGE: Final = ("1e999", "-1e999", "9" * 400, "1" + "0" * 20, "-0.0", "1e308", "5e-324", str(2**63), "1E+400")
_NOT_NUMBERS: Final = ("NaN", "Infinity", "-Infinity", '"NaN"', '"inf"', '"-inf"', "nan", '"1e999"', '""')
_STRANGE: Final = ("\\ud800", "\\udfff\\ud800", "\\u0000", "\ud800", "\u202e", "\ufffe", "\\uD83D", "\x1f")
_WRONG: Final[tuple[Any, ...]] = (
    None,
    True,
    False,
    0,
    -1,
    1.5,
    "",
    "x",
    [],
    {},
    [[]],
    {"a": {}},
    "\x00",
    "x" * 600,
    10**30,
)
_KINDS: Final[tuple[Any, ...]] = (2, 3, 4, 5, 6, 0, 1, 7, -1, 2.0, True, None, "2", [2], {}, 10**20)
_NUMBER: Final = re.compile(r"(?<=[:,\[])-?\d+(?:\.\d+)?(?=[,\]}])")
_TEXT: Final = re.compile(r'"[^"\\]*"(?=[,\]}])')
_DEEP: Final = (5, 31, 32, 33, 40, 200, 2_000, 20_000)
_MANY: Final = 60
_REMEMBERED: Final = 24


class Hostility(StrEnum):
    """What is wrong with a frame, if anything."""

    HONEST = "honest"
    ANSWER = "answer to our call, honest or not"
    BYTES = "random bytes"
    NOISE = "random tokens of JSON"
    TRUNCATED = "cut off"
    BENT = "characters changed"
    DEEP = "deeply nested"
    HUGE = "huge numbers"
    NOT_A_NUMBER = "NaN and infinity"
    DUPLICATE = "members twice"
    ARITY = "wrong arity and types of the frame"
    REUSED = "calls repeated, and ids of other calls"
    UNSOLICITED = "answers nobody asked for"
    STRANGE = "half characters, NUL, marks"
    OVERSIZED = "longer than allowed"
    WRONG_TYPE = "wrong type somewhere in the payload"
    UNKNOWN = "unknown actions and members"


WEIGHTS: Final[Mapping[Hostility, float]] = MappingProxyType(
    {
        Hostility.HONEST: 14,
        Hostility.ANSWER: 10,
        Hostility.BYTES: 4,
        Hostility.NOISE: 6,
        Hostility.TRUNCATED: 7,
        Hostility.BENT: 12,
        Hostility.DEEP: 0.6,
        Hostility.HUGE: 6,
        Hostility.NOT_A_NUMBER: 6,
        Hostility.DUPLICATE: 4,
        Hostility.ARITY: 8,
        Hostility.REUSED: 7,
        Hostility.UNSOLICITED: 7,
        Hostility.STRANGE: 5,
        Hostility.OVERSIZED: 0.03,
        Hostility.WRONG_TYPE: 16,
        Hostility.UNKNOWN: 4,
    }
)
"""Share of each; the costly ones are few, since they take time from all others."""


class HostileStation:
    """Says what nobody should say.

    Parameters
    ----------
    version : OcppVersion
    words : Vocabulary
    rng : random.Random
    """

    def __init__(self, version: OcppVersion, words: Vocabulary, rng: Random) -> None:
        self._version = version
        self._words = words
        self._rng = rng
        self._n = 0
        self._ids: deque[str] = deque(maxlen=_REMEMBERED)
        self._said: deque[str] = deque(maxlen=_REMEMBERED)
        self.asked: tuple[str, str] | None = None
        """Id and action of our call that waits for an answer."""
        self._makers: dict[Hostility, Callable[[], str | bytes]] = {
            Hostility.HONEST: self.honest,
            Hostility.ANSWER: self._answer,
            Hostility.BYTES: self._bytes,
            Hostility.NOISE: self._noise,
            Hostility.TRUNCATED: self._truncated,
            Hostility.BENT: self._bent,
            Hostility.DEEP: self._deep,
            Hostility.HUGE: lambda: self._with(_NUMBER, _HUGE),
            Hostility.NOT_A_NUMBER: lambda: self._with(_NUMBER, _NOT_NUMBERS),
            Hostility.DUPLICATE: self._duplicate,
            Hostility.ARITY: self._arity,
            Hostility.REUSED: self._reused,
            Hostility.UNSOLICITED: self._unsolicited,
            Hostility.STRANGE: self._strange,
            Hostility.OVERSIZED: self._oversized,
            Hostility.WRONG_TYPE: self._wrong_type,
            Hostility.UNKNOWN: self._unknown,
        }

    def frame(self, kind: Hostility) -> str | bytes:
        """Return one message."""
        return self._makers[kind]()

    def honest(self) -> str:
        """Return a call that fits its schema."""
        action, payload = self._rng.choice(self._words.calls)
        text = f'[2,"{self._new_id()}","{action}",{payload}]'
        self._said.append(text)
        return text

    def _new_id(self) -> str:
        self._n += 1
        message_id = f"h{self._n}"
        self._ids.append(message_id)
        return message_id

    def _known_id(self) -> str:
        return self._rng.choice(self._ids) if self._ids else "h0"

    def _answer(self) -> str:
        """Return an answer to our call, if there is one; half of them are spoiled."""
        if self.asked is None:
            return self._unsolicited()
        message_id, action = self.asked
        payload = self._rng.choice(self._words.answers[action])
        text = f'[3,"{message_id}",{payload}]'
        turn = self._rng.random()
        if turn < 0.5:  # noqa: PLR2004 - half of them
            return text
        if turn < 0.65:  # noqa: PLR2004 - and so on
            return f'[4,"{message_id}","{self._rng.choice(("GenericError", "", "x" * 300))}","",{{}}]'
        return self._spoiled(text)

    def _spoiled(self, text: str) -> str:
        rng = self._rng
        at = rng.randrange(len(text))
        return text[:at] + rng.choice(_TOKENS) + text[at + rng.randint(0, 3) :]

    def _bytes(self) -> str | bytes:
        data = self._rng.randbytes(self._rng.randint(0, 120))
        return data if self._rng.random() < 0.5 else data.decode("latin-1")  # noqa: PLR2004 - half of them

    def _noise(self) -> str:
        return "".join(self._rng.choices(_TOKENS, k=self._rng.randint(0, 24)))

    def _truncated(self) -> str:
        text = self.honest()
        return text[: self._rng.randrange(len(text))]

    def _bent(self) -> str:
        text = self.honest()
        for _ in range(self._rng.randint(1, 3)):
            text = self._spoiled(text)
        return text

    def _deep(self) -> str:
        n = self._rng.choice(_DEEP)
        opening, closing = self._rng.choice((("[", "]"), ('{"a":', "}")))
        tail = closing * n if self._rng.random() < 0.7 else ""  # noqa: PLR2004 - most of them
        inner = opening * n + "1" + tail
        return inner if self._rng.random() < 0.3 else f'[2,"{self._new_id()}","Heartbeat",{{"a":{inner}}}]'  # noqa: PLR2004 - some of them

    def _with(self, place: re.Pattern[str], values: tuple[str, ...]) -> str:
        """Replace one value of a valid call."""
        text = self.honest()
        places = list(place.finditer(text, 1))
        if not places:
            return text.replace("{", '{"a":' + self._rng.choice(values) + ",", 1)
        found = self._rng.choice(places)
        return text[: found.start()] + self._rng.choice(values) + text[found.end() :]

    def _duplicate(self) -> str:
        text = self.honest()
        start = text.index("{")
        name = re.search(r'"[^"\\]*":', text[start:])
        twice = f"{name.group(0)}{json.dumps(self._rng.choice(_WRONG))}," if name else '"a":1,"a":2,'
        return text[: start + 1] + twice * self._rng.choice((1, 2, _MANY)) + text[start + 1 :]

    def _arity(self) -> str:
        rng = self._rng
        members: list[Any] = [rng.choice(_KINDS), rng.choice((self._new_id(), *_WRONG, "y" * 37))]
        members += [rng.choice((*_WRONG, "Heartbeat")) for _ in range(rng.choice((0, 1, 2, 2, 3, 4, 9)))]
        return json.dumps(members[: rng.randint(0, len(members))])

    def _reused(self) -> str:
        if self._said and self._rng.random() < 0.3:  # noqa: PLR2004 - some of them
            return self._rng.choice(self._said)
        action, payload = self._rng.choice(self._words.calls)
        return f'[2,"{self._known_id()}","{action}",{payload}]'

    def _unsolicited(self) -> str:
        rng = self._rng
        message_id = rng.choice((self._known_id(), "nobody", f"g{rng.randint(1, 50)}"))
        return rng.choice(
            (
                f'[3,"{message_id}",{{}}]',
                f'[4,"{message_id}","GenericError","why",{{}}]',
                f'[5,"{message_id}","GenericError","why",{{}}]',
                f'[6,"{message_id}","NotifyPeriodicEventStream",{{}}]',
                f'[3,"{message_id}",{{"status":"Accepted"}}]',
            )
        )

    def _strange(self) -> str:
        text, strange = self.honest(), self._rng.choice(_STRANGE)
        places = list(_TEXT.finditer(text))
        at = self._rng.choice(places).start() + 1 if places else len(text) // 2
        return text[:at] + strange + text[at:]

    def _oversized(self) -> str:
        n = MAX_FRAME_BYTES + self._rng.choice((-200, 0, 1, 10_000))
        return f'[2,"{self._new_id()}","DataTransfer",{{"vendorId":"V","data":"{"x" * n}"}}]'

    def _wrong_type(self) -> str:
        """Put a value of another type at any place of a valid payload."""
        action, text = self._rng.choice(self._words.calls)
        payload = json.loads(text)
        places = list(_places(payload))
        if places:
            home, name = self._rng.choice(places)
            home[name] = self._rng.choice(_WRONG)
        else:
            payload = {"x": self._rng.choice(_WRONG)}
        return f'[2,"{self._new_id()}","{action}",{json.dumps(payload)}]'

    def _unknown(self) -> str:
        rng = self._rng
        action, payload = rng.choice(self._words.calls)
        if rng.random() < 0.5:  # noqa: PLR2004 - half of them
            name = rng.choice(("", "heartbeat", "Héartbeat", "../Heartbeat", "x" * 300, "SetChargingProfile"))
            return f'[2,"{self._new_id()}","{name}",{payload}]'
        vendor = "{" + '"vendorX":' + json.dumps(rng.choice(_WRONG)) + ("," if payload != "{}" else "")
        return f'[2,"{self._new_id()}","{action}",{vendor}{payload[1:]}]'


def _places(value: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401 - any JSON
    """Return every place inside a JSON value: its container and its name there."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = []
    for name, child in list(inner):
        found.append((value, name))
        found += _places(child)
    return found
