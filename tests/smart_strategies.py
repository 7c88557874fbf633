"""Stations that hold charging profiles, drawn as the raw JSON that the commands of smart charging read."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
LIMITS_A = st.sampled_from([0.0, 6.0, 7.5, 10.0, 16.0, 20.5, 40.0])
LIMITS_W = st.sampled_from([0.0, 1380.0, 2300.0, 5000.0, 7360.5, 11000.0, 30000.0])
VERSIONS = st.sampled_from(["1.6", "2.0.1", "2.1"])
_PURPOSES = {
    "1.6": ["ChargePointMaxProfile", "TxDefaultProfile", "TxProfile"],
    "2.0.1": [
        "ChargingStationMaxProfile",
        "TxDefaultProfile",
        "TxProfile",
        "ChargingStationExternalConstraints",
    ],
    "2.1": [
        "ChargingStationMaxProfile",
        "TxDefaultProfile",
        "TxProfile",
        "ChargingStationExternalConstraints",
        "PriorityCharging",
        "LocalGeneration",
    ],
}
_TX = ("TxProfile", "TxDefaultProfile")


def times(least_min=-180, most_min=180):
    """A minute near now, as text."""
    return st.integers(least_min, most_min).map(lambda m: (NOW + timedelta(minutes=m)).strftime("%FT%TZ"))


def maybe(draw, name, strategy, odds=3):
    """A member that is there once in ``odds`` times."""
    return {name: draw(strategy)} if draw(st.integers(1, odds)) == 1 else {}


@st.composite
def periods(draw, version, unit, purpose):
    starts = sorted(draw(st.sets(st.sampled_from([60, 300, 301, 900, 1800, 5400]), max_size=3)))
    limits = LIMITS_A if unit == "A" else LIMITS_W
    found = []
    for start in [0, *starts]:
        period = {"startPeriod": start, "limit": draw(limits)}
        if version == "2.1":
            period |= maybe(draw, "limit_L2", limits, 5) | maybe(draw, "limit_L3", limits, 5)
        period |= maybe(draw, "numberPhases", st.integers(1, 3))
        if version == "2.1" and purpose in _TX:
            period |= maybe(draw, "evseSleep", st.booleans(), 6)
            period |= maybe(draw, "operationMode", st.sampled_from(["Idle", "ChargingOnly"]), 6)
        found.append(period)
    return found


@st.composite
def schedules(draw, version, purpose, kind, zone):
    unit = draw(st.sampled_from("AW"))
    one = {} if version == "1.6" else {"id": draw(st.integers(1, 9))}
    if kind in ("Absolute", "Recurring"):
        one["startSchedule"] = draw(times(-3 * 24 * 60, 120) if kind == "Recurring" else times())
    one |= maybe(draw, "duration", st.sampled_from([60, 600, 3600, 7200, 90_000]), 2)
    one |= {"chargingRateUnit": unit, "chargingSchedulePeriod": draw(periods(version, unit, purpose))}
    if version == "2.1":
        if zone:
            one |= maybe(draw, "useLocalTime", st.booleans())
        one |= maybe(
            draw,
            "limitAtSoC",
            st.fixed_dictionaries(
                {"soc": st.sampled_from([50, 80]), "limit": LIMITS_A if unit == "A" else LIMITS_W}
            ),
            4,
        )
        if purpose in _TX:
            one |= maybe(draw, "randomizedDelay", st.sampled_from([30, 400]), 4)
    return one


@st.composite
def requests(draw, version, transactions, zone):
    """SetChargingProfile, valid or nearly so."""
    purpose = draw(st.sampled_from(_PURPOSES[version]))
    kinds = ["Absolute", "Absolute", "Recurring", "Relative"] + (["Dynamic"] if version == "2.1" else [])
    kind = draw(st.sampled_from(kinds))
    evse = 0 if "Max" in purpose else draw(st.integers(1 if purpose == "TxProfile" else 0, 2))
    schedule = draw(schedules(version, purpose, kind, zone))
    if kind == "Dynamic":
        del schedule["chargingSchedulePeriod"][1:]
    name = "chargingProfileId" if version == "1.6" else "id"
    profile = {
        name: draw(st.integers(1, 9)),
        "stackLevel": draw(st.integers(0, 3)),
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
    }
    if kind == "Recurring":
        profile["recurrencyKind"] = draw(st.sampled_from(["Daily", "Weekly"]))
    if purpose == "TxProfile":
        profile["transactionId"] = draw(st.sampled_from([one["id"] for one in transactions] or [99]))
    profile |= maybe(draw, "validFrom", times(), 4) | maybe(draw, "validTo", times(), 4)
    if version == "2.1":
        profile |= maybe(draw, "maxOfflineDuration", st.sampled_from([0, 600]), 4)
        profile |= maybe(draw, "invalidAfterOfflineDuration", st.booleans(), 4)
        if kind == "Dynamic":
            profile |= maybe(draw, "dynUpdateTime", times(-60, 0), 2)
    if version == "1.6":
        return {"connectorId": evse, "csChargingProfiles": profile | {"chargingSchedule": schedule}}
    return {"evseId": evse, "chargingProfile": profile | {"chargingSchedule": [schedule]}}


@st.composite
def composite_cases(draw, evse=None):
    """A station with what it holds, and a question."""
    version = draw(VERSIONS)
    zone = draw(st.sampled_from([None, "Europe/Berlin", "Asia/Kolkata"]))
    running = draw(st.sets(st.integers(1, 2)))
    transactions = [
        {
            "evse": number,
            "id": number if version == "1.6" else f"tx{number}",
            "charging_since": draw(times(-90, 0)),
        }
        | maybe(draw, "soc", st.sampled_from([20.0, 60.0, 90.0]), 2)
        | maybe(draw, "priority_charging", st.booleans(), 2)
        for number in sorted(running)
    ]
    station = {"voltage_v": 230.0, "phases": draw(st.sampled_from([1, 3, 3])), "n_evses": 2, "max_a": 32.0}
    station |= {"time_zone": zone} if zone else {}
    station |= maybe(draw, "idle_evses", st.just("draws_nothing"), 4)
    asked = draw(st.integers(1, 2)) if evse is None else evse
    question = {
        "connectorId" if version == "1.6" else "evseId": asked,
        "duration": draw(st.sampled_from([600, 3600, 10_800, 100_000])),
        "chargingRateUnit": draw(st.sampled_from("AW")),
    }
    case = {"version": version, "now": "2024-05-01T12:00:00Z", "question": question, "station": station}
    profiles = draw(st.lists(requests(version, transactions, zone), max_size=6))
    offline = [{"since": draw(times(-60, 60))} | maybe(draw, "until", times(61, 120), 2)]
    is_offline = draw(st.integers(1, 3)) == 1
    return case | {
        "profiles": profiles,
        "transactions": transactions,
        "offline": offline if is_offline else [],
    }
