"""Two pairs of eyes: some commands are sent only when two different people have shown their keys."""

import hmac
from collections.abc import Iterable


class Approvers:
    """Knows who may approve.

    Parameters
    ----------
    keys : iterable of str
        One key for each approver; without keys nobody can approve anything.
    """

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._keys = tuple(dict.fromkeys(key.encode() for key in keys if key))

    def who(self, shown: Iterable[str]) -> frozenset[str]:
        """Return the different approvers whose keys were shown, compared in constant time."""
        given = [key.strip().encode() for key in shown]
        return frozenset(str(number) for number, key in enumerate(self._keys) if _is_among(key, given))


def _is_among(key: bytes, given: list[bytes]) -> bool:
    """Tell whether a key was shown; it takes as long whichever of them it is."""
    return sum(hmac.compare_digest(key, one) for one in given) > 0
