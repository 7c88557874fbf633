"""The gateway benchmark: what it counts as lost, and that it runs."""

import sqlite3

import pytest

from benchmarks import gateway, validators
from benchmarks.crowd.trial import DATABASE, lost_in
from benchmarks.registry import BenchmarkContext

TOLD = [["S1", 1, "t", ""], ["S2", 2, "t", "t"]]
STORED = [("S1", "1", None), ("S2", "2", "later")]


@pytest.mark.parametrize(
    ("rows", "n_lost"),
    [
        (STORED, 0),
        (STORED[:1], 2),
        ([*STORED, ("S1", "3", None)], 1),
        ([STORED[0], ("S2", "2", None)], 1),
        ([("S1", "1", "later"), STORED[1]], 1),
    ],
    ids=["as told", "lost", "doubled", "end lost", "ended by nobody"],
)
def test_a_transaction_is_lost_unless_it_is_stored_once_and_as_its_station_knows_it(tmp_path, rows, n_lost):
    with sqlite3.connect(tmp_path / DATABASE) as connection:
        connection.execute("create table transactions (station_id, transaction_id, ended_at)")
        connection.executemany("insert into transactions values (?, ?, ?)", rows)
    connection.close()
    assert (lost_in(tmp_path / DATABASE, TOLD) > 0) == (n_lost > 0)


@pytest.mark.bench
def test_every_server_holds_its_stations_and_loses_nothing(tmp_path):
    report = gateway.BENCHMARK.measure(BenchmarkContext(tmp_path, smoke=True))
    by_name = {row[0]: row[2:5] for row in report.rows}
    n = gateway.SMOKE_STATIONS
    held = n + gateway.SMOKE_TALKING
    assert by_name["connections held"] == (held, held, held)
    assert by_name["boot storm: lost"] == (0, 0, 0)
    assert by_name["messages refused"] == (0, 0, 0)
    assert by_name["killed: stations that did not come back"] == (0, 0, 0)
    assert by_name["killed: of them lost, doubled or wrong"] == (None, 0, None)
    known = by_name["killed: transactions that stations know"][1]
    assert isinstance(known, int)
    assert known > n // 2


@pytest.mark.bench
def test_every_validator_takes_every_message(tmp_path):
    report = validators.BENCHMARK.measure(BenchmarkContext(tmp_path, smoke=True))
    assert len(report.rows) == 8
    assert all(isinstance(cell, int | float) and cell > 0 for row in report.rows for cell in row[1:])
