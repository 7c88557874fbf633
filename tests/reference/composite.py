"""Composite schedules by asking every profile at every second, from the raw JSON of a case; no borders, no records."""

import itertools
import math
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

PERIODS_OF_TIME = MappingProxyType({"Daily": timedelta(days=1), "Weekly": timedelta(days=7)})
STATION_MAX = ("ChargePointMaxProfile", "ChargingStationMaxProfile")


def moment(text):
    return datetime.fromisoformat(text)


def profiles_of(case):
    """(EVSE, profile), what was replaced left out; the last is the newest."""
    found: list[tuple[int, dict[str, Any]]] = []
    for request in case["profiles"]:
        evse = request.get("connectorId", request.get("evseId"))
        profile = request.get("csChargingProfiles", request.get("chargingProfile"))
        number = profile.get("chargingProfileId", profile.get("id"))
        kept = []
        for old_evse, old in found:
            old_number = old.get("chargingProfileId", old.get("id"))
            same = [
                (e, p["stackLevel"], p["chargingProfilePurpose"], p.get("transactionId"))
                for e, p in ((old_evse, old), (evse, profile))
            ]
            outside = "ChargingStationExternalConstraints"
            is_safe = old["chargingProfilePurpose"] == outside != profile["chargingProfilePurpose"]
            replaced = old_number == number or (case["version"] == "1.6" and same[0] == same[1])
            if is_safe or not replaced:
                kept.append((old_evse, old))
        found = [*kept, (evse, profile)]
    return found


def schedule_of(profile):
    schedules = profile["chargingSchedule"]
    return schedules[0] if isinstance(schedules, list) else schedules


def starts_of(case, profile, transaction, at):
    """Every start of the schedule that lies at or before ``at``, and when the next one comes."""
    schedule = schedule_of(profile)
    now = moment(case["now"])
    since = moment(transaction["charging_since"]) if transaction else now
    text = schedule.get("startSchedule")
    if profile["chargingProfileKind"] == "Dynamic":
        text = profile.get("dynUpdateTime") or text
        return (moment(text) if text else now), None
    if profile["chargingProfileKind"] == "Relative" or text is None:
        return since, None
    if schedule.get("useLocalTime"):
        wall = datetime.fromisoformat(text[:19])
        zone = ZoneInfo(case["station"]["time_zone"])
        local = [lambda w: w.replace(tzinfo=zone).astimezone(UTC)][0]
    else:
        wall, local = moment(text), lambda w: w
    if profile["chargingProfileKind"] != "Recurring":
        return local(wall), None
    step = PERIODS_OF_TIME[profile["recurrencyKind"]]
    start, following = local(wall), local(wall + step)
    while following <= at:
        wall += step
        start, following = local(wall), local(wall + step)
    return start, following


def is_deaf(case, profile, at):
    """Offline for too long, now or (if that spoils it) before."""
    allowed = profile.get("maxOfflineDuration")
    if allowed is None:
        return False
    for time in case.get("offline", ()):
        begun, until = moment(time["since"]) + timedelta(seconds=allowed), time.get("until")
        over = None if until is None else moment(until)
        if over is not None and begun >= over:
            continue
        if at >= begun and (profile.get("invalidAfterOfflineDuration") or over is None or at < over):
            return True
    return False


def said(case, profile, transaction, at):
    """All periods that may be in force at a time; None among them where the profile may say nothing."""
    if ("validFrom" in profile and at < moment(profile["validFrom"])) or (
        "validTo" in profile and at >= moment(profile["validTo"])
    ):
        return [None]
    if is_deaf(case, profile, at):
        return [None]
    schedule = schedule_of(profile)
    start, following = starts_of(case, profile, transaction, at)
    age_s = (at - start).total_seconds()
    ended = "duration" in schedule and age_s >= schedule["duration"]
    if age_s < 0 or ended or (following is not None and at >= following):
        return [None]
    periods = schedule["chargingSchedulePeriod"]
    delay_s = schedule.get("randomizedDelay", 0)
    found = []
    for delays in itertools.product({0, delay_s}, repeat=len(periods)):
        begun = [p for p, d in zip(periods, delays, strict=True) if p["startPeriod"] + d <= age_s]
        period = begun[-1] if begun else None
        if period not in found:
            found.append(period)
    return found


def ruling(case, candidates, transaction, at):
    """(schedule, period) that may rule of one purpose; None among them for nothing."""
    ordered = sorted(enumerate(candidates), key=lambda one: (one[1]["stackLevel"], one[0]), reverse=True)
    found = []
    for _, profile in ordered:
        options = said(case, profile, transaction, at)
        found += [(schedule_of(profile), period) for period in options if period is not None]
        if None not in options:
            return found
    return [*found, None]


def first_that_rules(groups):
    found = []
    for group in groups:
        found += [one for one in group if one is not None]
        if None not in group:
            return found
    return [*found, None]


def phases_of(one, station_phases):
    return station_phases if one is None else min(station_phases, one[1].get("numberPhases") or 3)


def values(one, unit, n, voltage, soc=None):
    """Limit of each of n phases, in A; a total in W is shared."""
    schedule, period = one
    first = period["limit"]
    by_phase = "limit_L2" in period or "limit_L3" in period
    row = [first, period.get("limit_L2", first), period.get("limit_L3", first)]
    at_soc = schedule.get("limitAtSoC")
    if at_soc and soc is not None and soc >= at_soc["soc"]:
        share = 3 if by_phase and schedule["chargingRateUnit"] == "W" else 1
        row = [min(value, at_soc["limit"] / share) for value in row]
    if schedule["chargingRateUnit"] == "A":
        amperes = row
    elif by_phase:
        amperes = [value / voltage for value in row]
    else:
        amperes = [row[0] / (voltage * n)] * 3
    if by_phase and n == 1:
        amperes = [min(amperes, key=abs)] * 3
    return amperes


def evse_at(case, evse, at):
    """(limit of each phase [A], phases) of one EVSE; of several possibilities the greatest."""
    station, transactions = case["station"], {one["evse"]: one for one in case["transactions"]}
    running = transactions.get(evse)
    if running is None and station.get("idle_evses") == "draws_nothing":
        return [0.0] * 3, station["phases"]
    installed = profiles_of(case)

    def of(purposes, evses):
        return [p for e, p in installed if p["chargingProfilePurpose"] in purposes and e in evses]

    tx = [
        p
        for p in of(("TxProfile",), (evse,))
        if running and str(p.get("transactionId", running["id"])) == str(running["id"])
    ]
    priority = of(("PriorityCharging",), (evse, 0)) if running and running.get("priority_charging") else []
    specific, common = of(("TxDefaultProfile",), (evse,)), of(("TxDefaultProfile",), (0,))
    pooled = [of(("TxDefaultProfile",), (evse, 0))]
    defaults = [specific, common] if case["version"] == "1.6" else pooled
    own = first_that_rules([ruling(case, group, running, at) for group in (priority, tx, *defaults)])
    outside = ("ChargingStationExternalConstraints",)
    maximum = ruling(case, of(STATION_MAX, (0,)), running, at)[0]
    caps = [ruling(case, of(outside, (number,)), running, at)[0] for number in (evse, 0)]
    added = ruling(case, of(("LocalGeneration",), (0, evse)), running, at)[0]
    found = [limited(case, one, maximum, caps, added, running) for one in own]
    is_power = case["question"]["chargingRateUnit"] == "W"

    def size(one):
        row, n = one
        volts = case["station"]["voltage_v"] if is_power else 1.0
        total = round(sum(row[:n]) * volts, 1)
        return total if is_power else round(max(row[:n]), 1), total, n

    n = max(found, key=size)[1]
    return [max(column) for column in zip(*(row for row, m in found if m == n), strict=True)], n


def limited(case, one, maximum, caps, added, running):
    station, voltage = case["station"], case["station"]["voltage_v"]
    n = min(phases_of(some, station["phases"]) for some in (one, maximum, *caps))
    soc = running.get("soc") if running else None
    rows = [[station["max_a"]] * 3]
    if one is not None:
        asleep = one[1].get("evseSleep") or one[1].get("operationMode") == "Idle"
        rows.append([0.0] * 3 if asleep else values(one, None, n, voltage, soc))
    rows += [values(cap, None, n, voltage, soc) for cap in caps if cap is not None]
    if maximum is not None:
        m = min(n, phases_of(added, n))  # a total in W of fewer phases is more on each
        extra = [0.0] * 3 if added is None else values(added, None, m, voltage, soc)
        row = values(maximum, None, n, voltage, soc)
        rows.append([a + b for a, b in zip(row, extra, strict=True)])
    return [min(column) for column in zip(*rows, strict=True)], n


def answer_at(case, at):
    """(limits as they are told, phases) of the EVSE that is asked about; only the first n are meant."""
    question, voltage = case["question"], case["station"]["voltage_v"]
    evse = question.get("connectorId", question.get("evseId"))
    row, n = evse_at(case, evse, at)
    if question["chargingRateUnit"] == "A":
        return [down(a) for a in row[:n]], n
    return [down(a * voltage) for a in row[:n]], n


def total_w(case, at):
    """Power of one EVSE at a time [W], before it is rounded."""
    question = case["question"]
    row, n = evse_at(case, question.get("connectorId", question.get("evseId")), at)
    return sum(row[:n]) * case["station"]["voltage_v"]


def station_at(case, at):
    """Limit of the whole station in the unit of the question, where no phase has a limit of its own."""
    station, unit = case["station"], case["question"]["chargingRateUnit"]
    voltage = station["voltage_v"]
    parts = [evse_at(case, evse, at) for evse in range(1, station["n_evses"] + 1)]
    per = [voltage * n if unit == "W" else 1 for _, n in parts]
    total = sum(row[0] * factor for (row, _), factor in zip(parts, per, strict=True))
    first = min(case["transactions"], key=lambda one: moment(one["charging_since"]), default=None)
    installed = [(p, p["chargingProfilePurpose"]) for evse, p in profiles_of(case) if evse == 0]

    def rule(purposes):
        return ruling(case, [p for p, purpose in installed if purpose in purposes], first, at)[0]

    def in_unit(one):
        n = phases_of(one, station["phases"])
        amperes = values(one, None, n, voltage, first.get("soc") if first else None)[0]
        return amperes * (voltage * n if unit == "W" else 1)

    caps = [in_unit(one) for one in (rule(("ChargingStationExternalConstraints",)),) if one is not None]
    maximum, added = rule(STATION_MAX), rule(("LocalGeneration",))
    if maximum is not None:
        caps.append(in_unit(maximum) + (0 if added is None else in_unit(added)))
    return down(min([total, *caps]))


def down(value):
    return math.floor((value + 1e-9) * 10) / 10
