"""Whatever stands in a case, its command answers or names the faults; it never fails otherwise."""

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from api.ocpp.capabilities import RateUnit
from api.ocpp.smart.answers import answer_to
from api.smart.checks import check_case_in, verdict_on
from api.smart.encodes import encode_case_in, told_of
from api.smart.examples import EXAMPLES
from api.smart.schemas import CompositeCaseWire
from api.wire.schemas import parsed
from models.errors import InvalidInputError
from tests.smart_strategies import composite_cases

ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        1.5,
        1e308,
        10**30,
        "",
        "x",
        "2024-13-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        [],
        {},
        [[]],
    ]
) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


def places_in(node, path=()):
    """Where every value of a document stands."""
    found = [path] if path else []
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        found += places_in(value, (*path, key))
    return found


@st.composite
def spoilt(draw, document):
    """The document with one to three of its values replaced or taken away."""
    broken = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(places_in(broken)))
        parent = broken
        for key in path[:-1]:
            parent = parent[key]
        if draw(st.booleans()):
            parent[path[-1]] = copy.deepcopy(draw(ODD))
        else:
            del parent[path[-1]]
        if not places_in(broken):
            break
    return json.dumps(broken).encode()


@given(case=composite_cases(), data=st.data())
@settings(max_examples=50)
def test_a_spoilt_case_of_a_composite_schedule_is_answered_or_refused(case, data):
    body = data.draw(spoilt(case))
    try:
        wire = parsed(CompositeCaseWire, body)
        situation, evse = wire.asked()
    except InvalidInputError:
        return
    unit = wire.question.chargingRateUnit
    duration_s = min(wire.question.duration, 10_000_000)
    now_s = int(wire.now.timestamp())
    answer = answer_to(situation, evse, now_s, duration_s, None if unit is None else RateUnit(unit))
    json.dumps(answer, allow_nan=False)


@given(case=composite_cases(), data=st.data())
@settings(max_examples=50)
def test_a_spoilt_request_is_judged_or_refused(case, data):
    request = data.draw(st.sampled_from(case["profiles"] or [EXAMPLES["check"]["request"]]))
    document = {name: case[name] for name in ("version", "now", "station", "transactions")}
    body = data.draw(spoilt(document | {"request": request, "profiles": case["profiles"]}))
    try:
        verdict = verdict_on(check_case_in(body, None))
    except InvalidInputError:
        return
    assert verdict.is_valid == (not verdict.breaches)


@given(data=st.data())
@settings(max_examples=30)
def test_a_spoilt_schedule_is_told_or_refused(data):
    body = data.draw(spoilt(json.loads(json.dumps(dict(EXAMPLES["encode"])))))
    try:
        told = told_of(encode_case_in(body, None, None))
    except InvalidInputError:
        return
    json.dumps([request.command.payload for request in told.requests], allow_nan=False)
