"""What happens can be followed, and taken up again where it broke; figures say what a service does."""

import asyncio
import json
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.ocpp.capabilities import OcppVersion
from api.stations import happenings
from api.stations.events.feed import MOST_STREAMS, EventFeed, TooManyStreamsError
from api.stations.happenings import Event, EventFilter
from api.storage.bounds import cut
from api.storage.station_tables import EventRow
from api.storage.writer import GroupWriter
from models.state import Conduct
from tests.api.stations.test_commands import V16, running
from tests.api.stations.test_kept import NOW
from tests.api.stations.test_state import charge

ALL = EventFilter()


async def next_events(stream, n):
    """The next events of a stream, as numbers and what they carry."""
    found: list[tuple[int, str, dict[str, Any]]] = []
    async with asyncio.timeout(60):
        while len(found) < n:
            text = await anext(stream)
            fields = dict(
                line.split(": ", 1) for line in text.strip().splitlines() if not line.startswith(":")
            )
            if "data" in fields:
                found.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
    return found


def feeding(scenario, database):
    async def run():
        writer: GroupWriter[None] = GroupWriter(database, lambda *_: None)
        async with writer:
            return await scenario(writer, EventFeed(database, writer))

    return asyncio.run(run())


def happened(writer, *kinds):
    def note(session):
        for kind in kinds:
            happenings.note(session, Event(kind, NOW, "A" if kind.startswith("a") else "B"))

    return writer.write(note)


def test_a_stream_begins_with_what_happens_next_and_is_taken_up_where_it_broke(database):
    async def scenario(writer, feed):
        await happened(writer, "a.before")
        stream = feed.stream(None, ALL)
        assert (await anext(stream)).startswith("retry:")
        following = asyncio.create_task(next_events(stream, 2))
        await asyncio.sleep(0.05)
        await happened(writer, "a.one", "b.two")
        seen = await following
        assert [kind for _, kind, _ in seen] == ["a.one", "b.two"]
        await stream.aclose()
        assert feed.n_streams == 0
        await happened(writer, "a.three")
        again = await next_events(feed.stream(seen[0][0], ALL), 2)
        assert [kind for _, kind, _ in again] == ["b.two", "a.three"]

    feeding(scenario, database)


def test_a_stream_carries_what_its_filter_takes(database):
    async def scenario(writer, feed):
        await happened(writer, "a.one", "b.two", "a.three", "b.four")
        of_b = await next_events(feed.stream(0, EventFilter(station_id="B")), 2)
        assert [kind for _, kind, _ in of_b] == ["b.two", "b.four"]
        of_kind = await next_events(feed.stream(0, EventFilter(("a.",))), 2)
        assert [kind for _, kind, _ in of_kind] == ["a.one", "a.three"]

    feeding(scenario, database)


def test_whoever_was_away_too_long_is_told_that_events_are_missing(database):
    async def scenario(writer, feed):
        await happened(writer, *(f"a.{number}" for number in range(10)))
        await writer.write(lambda session: cut(session, NOW, {EventRow.event_id: 3}))
        torn, first, *_ = await next_events(feed.stream(2, ALL), 3)
        assert (torn[1], torn[2]) == ("stream.torn", {"missed_after": 2})
        assert first[1] == "a.7"

    feeding(scenario, database)


def test_only_so_many_may_follow(database):
    async def scenario(_, feed):
        feed._n_streams = MOST_STREAMS
        with pytest.raises(TooManyStreamsError):
            feed.check_room()

    feeding(scenario, database)


def test_a_charging_session_is_told_from_plug_to_unplug(database):
    async def scenario(here):
        async with here.station(V16, "A") as station:
            number = await charge(station)
            stop = {"transactionId": number, "meterStop": 3000, "timestamp": "2024-05-01T13:00:00Z"}
            await station.call("StopTransaction", stop)
        said = await here.until(
            "/v1/events/recent",
            lambda page: "station.disconnected" in [one["kind"] for one in page["events"]],
        )
        kinds = [one["kind"] for one in said["events"]]
        assert kinds[0] == "station.booted"
        assert [kind for kind in kinds if kind.startswith("transaction")] == [
            "transaction.started",
            "transaction.ended",
        ]
        ended = next(one for one in said["events"] if one["kind"] == "transaction.ended")
        assert ended["data"]["delivered_kwh"] == 2.0
        page = (await here.get("/v1/events/recent?kind=connector.&limit=1000")).json()
        assert {one["kind"] for one in page["events"]} == {"connector.changed"}
        assert (await here.get(f"/v1/events/recent?after={page['next']}")).json()["events"] == []

    running(scenario, database)


async def figures_of(here):
    text = (await here.get("/metrics")).text
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_figures_say_who_is_there_what_is_said_and_what_waits(database):
    async def scenario(here):
        async with here.station(V16, "A") as station, here.station(OcppVersion.V21, "B"):
            await charge(station)
            await station.socket.send("nonsense")
            await station.next_frame()
            await here.until("/v1/stations/A", lambda one: one.get("oddities"))
            found = await figures_of(here)
            assert found["gridpilot_stations_online", "ocpp1.6"] == 1
            assert found["gridpilot_stations_online", "ocpp2.1"] == 1
            assert found["gridpilot_station_messages_total", "MeterValues", "call", "in"] == 1
            assert found["gridpilot_station_messages_total", "in", "malformed", "other"] == 1
            assert found["gridpilot_station_oddities_total", "malformed frame"] == 1
            assert found["gridpilot_gateway_answer_seconds_count",] > 3
            assert found["gridpilot_outbox_messages", "pending"] == 0
            assert found["gridpilot_writer_commits_total", "reading"] == 1
            assert found["gridpilot_stations_not_following",] == 0
            here.network.connectivity.conducted("A", Conduct.NOT_FOLLOWING)
            assert (await figures_of(here))["gridpilot_stations_not_following",] == 1
            shown = await here.until("/v1/stations?conduct=not_following", lambda said: said["stations"])
            assert shown["stations"][0]["station_id"] == "A"
            here.network.connectivity.conducted("A", None)
            await here.until("/v1/stations?conduct=follows", lambda said: said["stations"])
            told = (
                await here.get("/v1/events/recent?kind=station.not&kind=station.follows&limit=1000")
            ).json()
            assert [one["kind"] for one in told["events"]] == ["station.not_following", "station.follows"]

    running(scenario, database)


def test_no_name_that_a_station_has_made_up_becomes_a_label(database):
    async def scenario(here):
        async with here.station(V16, "A") as station:
            await station.socket.send('[2,"x","MadeUp123",{}]')
            await station.next_frame()
            await here.until("/v1/stations/A/messages", lambda log: "MadeUp123" in str(log))
            assert "MadeUp123" not in (await here.get("/metrics")).text

    running(scenario, database)
