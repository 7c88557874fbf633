"""Which messages of a transaction were heard, by their sequence numbers: what comes again, and what is missing."""

from collections.abc import Sequence
from typing import TypeAlias

Ranges: TypeAlias = Sequence[Sequence[int]]
"""First and last number of each run, in order."""


def has(ranges: Ranges, number: int) -> bool:
    """Tell whether a number was heard."""
    return any(first <= number <= last for first, last in ranges)


def adding(ranges: Ranges, number: int) -> list[list[int]]:
    """Return the ranges with one more number."""
    if has(ranges, number):
        return [list(one) for one in ranges]
    runs = sorted([*(list(one) for one in ranges), [number, number]])
    merged = runs[:1]
    for first, last in runs[1:]:
        if first == merged[-1][1] + 1:
            merged[-1][1] = last
        else:
            merged.append([first, last])
    return merged


def n_missing(ranges: Ranges) -> int:
    """Return how many numbers from 0 to the greatest were not heard."""
    if not ranges:
        return 0
    return ranges[-1][1] + 1 - sum(last - first + 1 for first, last in ranges)
