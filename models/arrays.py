"""Array types, and the read-only float64 arrays that records carry."""

from typing import Annotated, Final, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]
ComplexArray: TypeAlias = NDArray[np.complex128]

SLOTS: Final = "the last axis goes along the slots"
"""Marks the fields of records whose arrays go along the slots of a horizon."""

FloatBySlot: TypeAlias = Annotated[FloatArray, SLOTS]
ComplexBySlot: TypeAlias = Annotated[ComplexArray, SLOTS]
BoolBySlot: TypeAlias = Annotated[BoolArray, SLOTS]
IntBySlot: TypeAlias = Annotated[IntArray, SLOTS]

ScalarT = TypeVar("ScalarT", bound=np.generic)


def frozen(values: ArrayLike) -> FloatArray:
    """Return ``values`` as a read-only float64 array; a copy unless it already is one."""
    array = np.asarray(values, dtype=np.float64)
    if array.flags.writeable:
        array = array.copy()
        array.flags.writeable = False
    return array


def read_only(array: "NDArray[ScalarT]") -> "NDArray[ScalarT]":
    """Return an array that was just made, of any type, locked against writing."""
    array.flags.writeable = False
    return array
