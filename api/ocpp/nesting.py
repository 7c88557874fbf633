"""How deep a JSON text nests, told before anybody parses it."""

import re
from typing import Final

import numpy as np

_TEXTS: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?+', re.DOTALL)
"""Texts, the last one perhaps without its end. It never goes back, so no text makes it slow."""

_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_STEPS: Final = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
"""One level deeper, or one less deep."""


def is_deeper(text: str, depth: int) -> bool:
    """Tell whether a text nests deeper than ``depth``; one that is no JSON may be told to do so.

    Every level costs a bracket, and most messages have too few of them to be looked at more closely: counting
    takes 0.4 us for a MeterValues of four samples. Otherwise texts are taken out and the steps of the brackets
    are summed up: 20 us for forty samples, at most 10 ms for 128 kB, whatever they hold.
    """
    if text.count("[") + text.count("{") <= depth:
        return False
    data = text.encode(errors="replace")
    outside = _TEXTS.sub(b"", data) if b"\\" in data else b"".join(data.split(b'"')[::2])
    steps = outside.translate(_STEPS, _NO_BRACKETS)
    if not steps:
        return False
    return bool(np.frombuffer(steps, dtype=np.int8).cumsum(dtype=np.int32).max() > depth)
