"""Plan the open transactions of SteVe, and let SteVe send the charging profiles.

    python steve.py CONFIG.json --every 300

One round: SteVe's REST API tells the open transactions, its database the energy that was metered; the state goes to
``POST /v1/plans``; each OCPP 1.6 profile of the answer is written into SteVe's tables and sent by its operation
SetChargingProfile. README.md beside this file says what the configuration holds, and what SteVe cannot do.

Needs SQLAlchemy and the driver of SteVe's database, and nothing else of Gridpilot.
"""

import argparse
import base64
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

Json: TypeAlias = dict[str, Any]
"""A document as it is read; its form is SteVe's or Gridpilot's."""
Slot: TypeAlias = tuple[str, int, str, int]
"""Where a profile lies on a station: charge box, connector, purpose, stack level. A newer one replaces it there."""

TIMEOUT_S: Final = 60.0
REGISTER: Final = "Energy.Active.Import.Register"
WH_PER_KWH: Final = 1000.0
EXPECTED: Final = MappingProxyType({"target_kwh": 20.0, "stay_h": 8.0, "more_kwh": 5.0, "longer_h": 1.0})
"""What is expected of a driver of whom nothing is known; the last two of one who exceeds it."""


class SteveError(Exception):
    """SteVe or Gridpilot did not answer as it should; the message says which and what."""


@dataclass(frozen=True, slots=True)
class Message:
    """A profile for a station: ``profile`` is ``csChargingProfiles`` of OCPP 1.6, ``limit`` what it allows now."""

    charge_box: str
    connector: int
    profile: Json
    limit: float

    @property
    def slot(self) -> Slot:
        """Where it lies on the station."""
        profile = self.profile
        return self.charge_box, self.connector, profile["chargingProfilePurpose"], profile["stackLevel"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message: the station's word, or why it was not sent."""

    message: Message
    said: str

    @property
    def accepted(self) -> bool:
        """Whether the station took it."""
        return self.said.lower() == "accepted"


@dataclass(slots=True)
class Adapter:
    """Rounds of one site; remembers what its stations accepted.

    Parameters
    ----------
    config : dict
        The configuration file.
    say : callable
        Takes a line that the operator should read.
    told : dict
        Profile that was accepted last, by its place on the station.
    """

    config: Json
    say: Callable[[str], object] = sys.stderr.write
    told: dict[Slot, Message] = field(default_factory=dict)

    def round(self, now: datetime) -> list[Outcome]:
        """Plan and send once; what lowers a station first, and nothing that rises after one that was refused.

        Raises
        ------
        SteveError
            SteVe's list or the plan could not be had.
        """
        engine = sa.create_engine(self.config["database"])
        try:
            transactions = self._known(self._open_transactions())
            with engine.begin() as connection:
                metered_kwh = metered(connection, transactions)
            state = state_of(self.config, transactions, metered_kwh, now)
            plan = called(f"{self.config['gridpilot']}/v1/plans", state)
            return self._send(engine, messages_of(plan, state, now))
        finally:
            engine.dispose()

    def _open_transactions(self) -> list[Json]:
        steve = self.config["steve"]
        found: list[Json] = called(f"{steve['url']}/api/v1/transactions?type=ACTIVE", login=steve)
        return found

    def _known(self, transactions: list[Json]) -> list[Json]:
        """Return the transactions of the site's EVSEs; the others draw what no plan counts, and are told."""
        evses = evses_of(self.config["state"])
        known = [t for t in transactions if (t["chargeBoxId"], t["connectorId"]) in evses]
        for stranger in sorted({t["chargeBoxId"] for t in transactions if t not in known}):
            self.say(f"{stranger} has an open transaction on a connector that the site does not list\n")
        return known

    def _send(self, engine: sa.Engine, messages: Iterable[Message]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for message in sorted(messages, key=self._rise):
            if self._is_told(message):
                continue
            refused = [outcome for outcome in outcomes if not outcome.accepted]
            if refused and self._rise(message) > 0.0:
                outcomes.append(
                    Outcome(message, f"held back: {refused[0].message.charge_box} did not follow")
                )
                continue
            with engine.begin() as connection:
                profile_pk = stored(connection, message)
            outcomes.append(Outcome(message, self._set(message, profile_pk)))
            if outcomes[-1].accepted:
                self.told[message.slot] = message
        return outcomes

    def _rise(self, message: Message) -> float:
        """Return by how much a message raises what its station may draw; all of it where nothing is known."""
        told = self.told.get(message.slot)
        return message.limit - (0.0 if told is None else told.limit)

    def _is_told(self, message: Message) -> bool:
        """Return whether the station holds the same already, and for ever: a default without an end."""
        told = self.told.get(message.slot)
        schedule = message.profile["chargingSchedule"]
        return (
            told is not None
            and "duration" not in schedule
            and told.profile["chargingSchedule"]["chargingSchedulePeriod"]
            == schedule["chargingSchedulePeriod"]
        )

    def _set(self, message: Message, profile_pk: int) -> str:
        """Let SteVe send a stored profile, and return the station's word."""
        steve = self.config["steve"]
        body: Json = {
            "chargeBoxIdList": [message.charge_box],
            "connectorId": message.connector,
            "chargingProfilePk": profile_pk,
        }
        if "transactionId" in message.profile:
            body["transactionId"] = message.profile["transactionId"]
        try:
            answer = called(f"{steve['url']}/api/v1/operations/SetChargingProfile", body, login=steve)
        except SteveError as error:
            return str(error)
        for response in answer.get("successResponses", ()):
            return str(response["response"])
        for fault in answer.get("errorResponses", ()):
            return f"{fault['errorCode']} {fault.get('errorDescription') or ''}".strip()
        for exception in answer.get("exceptions", ()):
            return str(exception["exceptionMessage"])
        return "no answer from the station"


def state_of(config: Json, transactions: list[Json], metered_kwh: dict[int, float], now: datetime) -> Json:
    """Return the state of the site as ``POST /v1/plans`` wants it."""
    evses = evses_of(config["state"])
    sessions = [
        session_of(config, t, evses[t["chargeBoxId"], t["connectorId"]], metered_kwh.get(t["id"], 0.0), now)
        for t in transactions
    ]
    return {**config["state"], "now": now.isoformat(), "sessions": sessions}


def session_of(config: Json, transaction: Json, evse_id: str, delivered_kwh: float, now: datetime) -> Json:
    """Return an open transaction as a session: SteVe knows neither departure nor need, the configuration guesses.

    A car that has had what was expected is expected to want more, and one that has overstayed to stay longer.
    """
    expected = (
        EXPECTED | config.get("expected", {}) | config.get("drivers", {}).get(transaction["ocppIdTag"], {})
    )
    arrival = min(started(transaction), now)
    leaves = max(arrival + timedelta(hours=expected["stay_h"]), now + timedelta(hours=expected["longer_h"]))
    return {
        "session_id": str(transaction["id"]),
        "transaction_id": str(transaction["id"]),
        "evse_id": evse_id,
        "arrival": arrival.isoformat(),
        "departure": leaves.isoformat(),
        "target_kwh": max(expected["target_kwh"], delivered_kwh + expected["more_kwh"]),
        "delivered_kwh": delivered_kwh,
    }


def evses_of(state: Json) -> dict[tuple[str, int], str]:
    """Return the EVSE behind each (charge box, connector): connectors are numbered as EVSEs stand in the file."""
    return {
        (station["station_id"], number): evse["evse_id"]
        for station in state["site"]["stations"]
        for number, evse in enumerate(station["evses"], start=1)
    }


def started(transaction: Json) -> datetime:
    """Return the start of a transaction; versions of SteVe differ in which field is the moment.

    Raises
    ------
    SteveError
        Neither field is an ISO 8601 moment with its offset.
    """
    for name in ("startTimestampDT", "startTimestamp"):
        try:
            moment = datetime.fromisoformat(str(transaction.get(name)))
        except ValueError:
            continue
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    raise SteveError(f"SteVe: transaction {transaction['id']} has no start that can be read")


def messages_of(plan: Json, state: Json, now: datetime) -> list[Message]:
    """Return the OCPP 1.6 messages of a plan; of several for one place on a station the last one counts."""
    speaks_16 = {
        s["station_id"] for s in state["site"]["stations"] if s.get("ocpp", {}).get("version", "1.6") == "1.6"
    }
    messages = [
        Message(told["station_id"], told["payload"]["connectorId"], profile, limit_now(profile, now))
        for told in plan["profiles"]
        if told["station_id"] in speaks_16 and (profile := told["payload"]["csChargingProfiles"])
    ]
    return list({message.slot: message for message in messages}.values())


def limit_now(profile: Json, now: datetime) -> float:
    """Return what a profile allows at a moment, in its own unit."""
    schedule = profile["chargingSchedule"]
    passed_s = (now - datetime.fromisoformat(schedule["startSchedule"])).total_seconds()
    periods = schedule["chargingSchedulePeriod"]
    over = [period for period in periods if period["startPeriod"] <= passed_s] or periods[:1]
    return float(over[-1]["limit"])


def metered(connection: sa.Connection, transactions: list[Json]) -> dict[int, float]:
    """Return the energy of every transaction by its newest register value [kWh]; 0 where none came yet.

    From the table ``connector_meter_value``: the REST API has no route to meter values. A value without a
    measurand is the register, without a unit it is in Wh (OCPP 1.6, SampledValue).
    """
    table = _table(connection, "connector_meter_value")
    column = table.c
    rows = connection.execute(
        sa.select(column.transaction_pk, column.value, column.unit)
        .where(column.transaction_pk.in_([transaction["id"] for transaction in transactions]))
        .where(sa.or_(column.measurand.is_(None), column.measurand == REGISTER))
        .where(column.phase.is_(None))
        .order_by(column.value_timestamp)
    )
    register_kwh = {
        row.transaction_pk: float(row.value) / (1.0 if row.unit == "kWh" else WH_PER_KWH) for row in rows
    }
    start_kwh = {t["id"]: float(t["startValue"]) / WH_PER_KWH for t in transactions}
    return {pk: max(kwh - start_kwh[pk], 0.0) for pk, kwh in register_kwh.items()}


def stored(connection: sa.Connection, message: Message) -> int:
    """Write a profile into SteVe's tables and return its key; the one of the same place is overwritten.

    SteVe sends this key as ``chargingProfileId``, whatever the plan called it.
    """
    profiles = _table(connection, "charging_profile")
    periods = _table(connection, "charging_schedule_period")
    key = profiles.c.charging_profile_pk
    name = "gridpilot " + " ".join(str(part) for part in message.slot)
    values = _columns(message.profile) | {"description": name}
    profile_pk = connection.scalar(sa.select(key).where(profiles.c.description == name))
    if profile_pk is None:
        connection.execute(sa.insert(profiles).values(values))
        profile_pk = connection.scalars(sa.select(key).where(profiles.c.description == name)).one()
    else:
        connection.execute(sa.update(profiles).where(key == profile_pk).values(values))
        connection.execute(sa.delete(periods).where(periods.c.charging_profile_pk == profile_pk))
    # Newer versions of SteVe call it by what it is: it holds watts as well.
    limit = "power_limit" if "power_limit" in periods.c else "power_limit_in_amperes"
    rows = [
        {
            "charging_profile_pk": profile_pk,
            "start_period_in_seconds": period["startPeriod"],
            limit: period["limit"],
            "number_phases": period.get("numberPhases"),
        }
        for period in message.profile["chargingSchedule"]["chargingSchedulePeriod"]
    ]
    connection.execute(sa.insert(periods), rows)
    return int(profile_pk)


def _columns(profile: Json) -> Json:
    """Return a profile as SteVe's columns. A TxProfile has no validity there, and ours has none."""
    schedule = profile["chargingSchedule"]
    return {
        "stack_level": profile["stackLevel"],
        "charging_profile_purpose": profile["chargingProfilePurpose"],
        "charging_profile_kind": profile["chargingProfileKind"],
        "duration_in_seconds": schedule.get("duration"),
        "start_schedule": datetime.fromisoformat(schedule["startSchedule"]).replace(tzinfo=None),
        "charging_rate_unit": schedule["chargingRateUnit"],
        "min_charging_rate": schedule.get("minChargingRate"),
    }


def _table(connection: sa.Connection, name: str) -> sa.Table:
    """Return a table as it is in this version of SteVe, its moments in UTC."""
    if connection.dialect.name in {"mysql", "mariadb"}:
        connection.execute(sa.text("SET time_zone = '+00:00'"))
    return sa.Table(name, sa.MetaData(), autoload_with=connection)


def called(url: str, body: Json | None = None, *, login: Json | None = None) -> Any:  # noqa: ANN401 - JSON of any form
    """Return the JSON that a URL answers: to a POST of ``body``, else to a GET.

    Raises
    ------
    SteveError
        It did not answer, or not well.
    """
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    if login is not None:
        secret = f"{login['user']}:{login['password']}".encode()
        headers["Authorization"] = "Basic " + base64.b64encode(secret).decode()
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers)  # noqa: S310 - the operator's own URL
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310 - the same
            return json.load(response)
    except urllib.error.HTTPError as error:
        raise SteveError(f"{url} answered {error.code}: {error.read()[:500]!r}") from error
    except (OSError, ValueError) as error:
        raise SteveError(f"{url}: {error}") from error


def main() -> int:
    """Run one round, or one again and again; the exit code tells whether the last one went well."""
    parser = argparse.ArgumentParser(description="Plan SteVe's open transactions with Gridpilot.")
    parser.add_argument("config", type=Path)
    parser.add_argument("--every", type=float, metavar="SECONDS", help="begin a round so often")
    given = parser.parse_args()
    adapter = Adapter(json.loads(given.config.read_text(encoding="utf-8")))
    while True:
        well = _told(adapter)
        if given.every is None:
            return 0 if well else 1
        time.sleep(given.every)


def _told(adapter: Adapter) -> bool:
    """Run a round, write a line for each message, and return whether every station followed."""
    try:
        outcomes = adapter.round(datetime.now(UTC))
    except SteveError as error:
        sys.stderr.write(f"{error}\n")
        return False
    for outcome in outcomes:
        where = f"{outcome.message.charge_box}/{outcome.message.connector}"
        sys.stdout.write(f"{where} {outcome.message.slot[2]} {outcome.message.limit:g}: {outcome.said}\n")
    return all(outcome.accepted for outcome in outcomes)


if __name__ == "__main__":
    sys.exit(main())
