"""Faults are collected and raised once."""

import numpy as np
import pytest

from models.arrays import frozen
from models.errors import ChargingError, InvalidInputError, Issue, IssueList


def test_every_fault_is_named_in_one_error():
    issues = IssueList()
    issues.add("a.b", "is wrong")
    assert issues.require(1 + 1 == 2, "c", "never")
    assert not issues.require(1 + 1 == 3, "d[0]", "is odd")
    with pytest.raises(InvalidInputError, match=r"a\.b: is wrong; d\[0\]: is odd") as raised:
        issues.raise_if_any()
    assert raised.value.issues == (Issue("a.b", "is wrong"), Issue("d[0]", "is odd"))
    assert isinstance(raised.value, ChargingError)


def test_without_faults_nothing_is_raised():
    IssueList().raise_if_any()


def test_an_array_that_may_change_is_copied_and_one_that_may_not_is_shared():
    values = np.array([1.0, 2.0])
    kept = frozen(values)
    values[0] = 9.0
    assert kept.tolist() == [1.0, 2.0]
    assert frozen(kept) is kept
    with pytest.raises(ValueError, match="read-only"):
        kept[0] = 1.0
