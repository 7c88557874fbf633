"""Figures of a running network, in the form that Prometheus reads.

Names begin with ``gridpilot_`` and end with their unit. What can be counted when it is asked for is counted
then; only messages and times are added up as they come.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from api.ocpp.alarms import AlarmKind
from api.ocpp.registry import Registry
from api.stations.commands.queue import OPEN as OPEN_COMMANDS
from api.stations.facts import FactsBook
from api.stations.log.traffic import Digest, Label, TrafficBook
from api.storage.engine import Database
from api.storage.outbox import OPEN as OPEN_MESSAGES
from api.storage.station_tables import CommandRow
from api.storage.tables import OutboxRow
from api.storage.writer import WriterFigures

_TIMES_S: Final = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


@dataclass(frozen=True, slots=True)
class Sources:
    """Where figures come from when they are asked for."""

    database: Database
    registry: Registry
    traffic: TrafficBook
    facts: FactsBook
    written: WriterFigures
    n_waiting: Callable[[], int]
    n_streams: Callable[[], int]
    alarms: Callable[[], Mapping[Any, int]]


class Figures(Collector):
    """Counts, and answers what Prometheus asks.

    Parameters
    ----------
    sources : Sources
    """

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._messages: Counter[Label] = Counter()
        self._plans: Counter[str] = Counter()
        self._registry = CollectorRegistry(auto_describe=False)
        self._theirs = self._histogram("station_answer_seconds", "Time until stations answered our calls.")
        self._ours = self._histogram("gateway_answer_seconds", "Time until calls of stations were answered.")
        self._planning = self._histogram("plan_seconds", "Time that plans took.")
        self._registry.register(self)

    def count(self, digest: Digest) -> None:
        """Add what a batch of messages comes to."""
        self._messages.update(digest.counts)
        for seconds in digest.theirs_s:
            self._theirs.observe(seconds)
        for seconds in digest.ours_s:
            self._ours.observe(seconds)

    def planned(self, status: str, took_s: float) -> None:
        """Add a plan."""
        self._plans[status] += 1
        self._planning.observe(took_s)

    def text(self) -> bytes:
        """Return all figures as text; looks into the database, so it is for a thread."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Yield what is counted when it is asked for."""
        yield self._stations()
        n_deaf = len(self._sources.facts.not_following)
        yield _gauge("stations_not_following", "Stations that draw more than they were told.", n_deaf)
        yield self._messages_by_action()
        odd = {(kind,): n for kind, n in dict(self._sources.facts.oddities).items()}
        yield _counter("station_oddities", "What stations did that is odd.", ("kind",), odd)
        alarms = {
            (kind.value,): n for kind, n in self._sources.alarms().items() if isinstance(kind, AlarmKind)
        }
        yield _counter("station_alarms", "What went wrong at the door and on connections.", ("kind",), alarms)
        yield _counter(
            "plans", "Plans that were made.", ("status",), {(s,): n for s, n in self._plans.items()}
        )
        yield from self._of_database()
        yield from self._of_process()

    def _stations(self) -> Metric:
        """Count the stations that are connected to this process."""
        registry = self._sources.registry
        online = Counter(registry.capabilities(one).version.value for one in registry.station_ids())
        family = GaugeMetricFamily(
            "gridpilot_stations_online", "Stations that are connected to this process.", labels=("version",)
        )
        for version, n in sorted(online.items()):
            family.add_metric((version,), n)
        return family

    def _messages_by_action(self) -> Metric:
        counted = {
            (way.value, kind.value, action): n for (way, kind, action), n in self._messages.copy().items()
        }
        labels = ("direction", "kind", "action")
        return _counter("station_messages", "Frames between stations and us.", labels, counted)

    def _of_database(self) -> Iterator[Metric]:
        with self._sources.database.read() as session:
            waiting = _counted(session, OutboxRow.state, OPEN_MESSAGES)
            queued = _counted(session, CommandRow.state, OPEN_COMMANDS)
        for name, text, counts in (
            ("outbox_messages", "Profiles that stations have not confirmed.", waiting),
            ("queued_commands", "Commands that wait for their stations.", queued),
        ):
            family = GaugeMetricFamily(f"gridpilot_{name}", text, labels=("state",))
            for state, n in counts.items():
                family.add_metric((state,), n)
            yield family

    def _of_process(self) -> Iterator[Metric]:
        written, traffic = self._sources.written, self._sources.traffic
        yield _gauge(
            "writer_waiting", "Works and readings that are not committed.", self._sources.n_waiting()
        )
        yield _gauge("writer_longest_seconds", "Longest transaction of the writer.", written.longest_s)
        counts = {
            ("transaction",): written.n_transactions,
            ("work",): written.n_works,
            ("reading",): written.n_items,
        }
        yield _counter("writer_commits", "What the writer has committed.", ("kind",), counts)
        yield _gauge("log_waiting", "Frames that are not logged yet.", traffic.n_waiting)
        yield _counter("log_dropped", "Frames that were too many to log.", (), {(): traffic.n_dropped})
        yield _gauge("event_streams", "Callers that follow the stream of events.", self._sources.n_streams())

    def _histogram(self, name: str, text: str) -> Histogram:
        return Histogram(f"gridpilot_{name}", text, registry=self._registry, buckets=_TIMES_S)


def _counted(session: Session, column: InstrumentedAttribute[str], states: Sequence[str]) -> dict[str, int]:
    """Return how many rows are in each of some states."""
    rows = session.execute(select(column, func.count()).where(column.in_(states)).group_by(column))
    found = {str(state): int(n) for state, n in rows}
    return {str(state): found.get(str(state), 0) for state in states}


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"gridpilot_{name}", text, value=value)


def _counter(name: str, text: str, labels: tuple[str, ...], counts: Mapping[Any, int]) -> Metric:
    family = CounterMetricFamily(f"gridpilot_{name}", text, labels=labels)
    for values, n in sorted(counts.items()):
        family.add_metric(values, n)
    return family
