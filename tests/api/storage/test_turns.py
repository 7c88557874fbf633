"""Turns of writers: one at a time, in their order, and nobody is kept out by one that never pauses."""

import threading
import time

import pytest

from api.storage.turns import Turns

PATIENCE_S = 60.0


def test_who_came_first_goes_first():
    turns, entered, threads = Turns(), [], []

    def take(number):
        with turns:
            entered.append(number)

    with turns:
        for number in range(20):
            threads.append(threading.Thread(target=take, args=(number,)))
            threads[-1].start()
            while len(turns._waiting) <= number:
                time.sleep(0.001)
        assert entered == []
    for thread in threads:
        thread.join(PATIENCE_S)
    assert entered == list(range(20))


def test_one_that_writes_without_a_pause_lets_others_in():
    turns, is_over, n_greedy = Turns(), threading.Event(), 0

    def greedy():
        nonlocal n_greedy
        while not is_over.is_set():
            with turns:
                n_greedy += 1

    thread = threading.Thread(target=greedy)
    thread.start()
    for _ in range(50):
        with turns:
            before = n_greedy
            time.sleep(0.001)
            assert n_greedy == before
    is_over.set()
    thread.join(PATIENCE_S)
    with turns:
        assert n_greedy > 0


def test_a_turn_that_fails_is_over():
    turns = Turns()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), turns:
            1 / 0  # noqa: B018 - any failure
    with turns:
        assert turns._is_taken
