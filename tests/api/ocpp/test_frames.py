"""Frames: what is written is read again, and whatever else comes is a record, never an exception."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from api.ocpp.frames import (
    MAX_DEPTH,
    MAX_FRAME_BYTES,
    Call,
    CallError,
    CallResult,
    Malformed,
    UnknownType,
    parse_frame,
    serialise_frame,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
IDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=36)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)
PAYLOADS = st.dictionaries(TEXT, VALUES, max_size=4)
FRAMES = st.one_of(
    st.builds(Call, IDS, TEXT, PAYLOADS),
    st.builds(CallResult, IDS, PAYLOADS),
    st.builds(CallError, IDS, TEXT, TEXT, PAYLOADS),
)


@given(FRAMES)
def test_a_frame_that_is_written_is_read_again(frame):
    assert parse_frame(serialise_frame(frame)) == frame


@given(st.text() | st.binary() | VALUES.map(json.dumps) | st.lists(VALUES, max_size=6).map(json.dumps))
@example("[" * 100_000)
@example('[2,"1","Heartbeat",' + '{"a":' * 5000 + "1" + "}" * 5001)
@example('[2,"1","Heartbeat",{"a":1e999}]')
@example("[2," + "9" * 5000 + "]")
def test_whatever_comes_is_a_record(text):
    parsed = parse_frame(text)
    assert isinstance(parsed, Call | CallResult | CallError | Malformed | UnknownType)


@pytest.mark.parametrize(
    ("text", "message_id", "may_be_call"),
    [
        ("", "-1", True),
        ("{}", "-1", True),
        ("[]", "-1", True),
        ('["2","1","Heartbeat",{}]', "-1", True),
        (b"\x00", "-1", True),
        ('[2,"1","Heartbeat",{"a":NaN}]', "-1", True),
        ('[2,"1","Heartbeat",{"a":-Infinity}]', "-1", True),
        ('[2,"1","Heartbeat",{"a":1e400}]', "-1", True),
        ('[2,"1","Heartbeat",{"a":"\\ud800"}]', "-1", True),
        ('[2,"1","Heartbeat"]', "1", True),
        ('[2,"1","Heartbeat",[]]', "1", True),
        ('[2,"1","Heartbeat",{},{}]', "1", True),
        ('[2,"1",7,{}]', "1", True),
        ('[2,7,"Heartbeat",{}]', "-1", True),
        ('[2,"","Heartbeat",{}]', "-1", True),
        (f'[2,"{"1" * 37}","Heartbeat",{{}}]', "-1", True),
        ('[3,"1"]', "1", False),
        ('[3,"1",null]', "1", False),
        ('[4,"1","GenericError","",[]]', "1", False),
        ("[3,1,{}]", "-1", False),
    ],
)  # fmt: skip
def test_a_malformed_frame_tells_whom_to_answer(text, message_id, may_be_call):
    parsed = parse_frame(text)
    assert isinstance(parsed, Malformed)
    assert (parsed.message_id, parsed.may_be_call) == (message_id, may_be_call)


@pytest.mark.parametrize(
    "text", ['[5,"1","GenericError","",{}]', '[6,"1","Notify",{}]', "[0]", '[true,"1",{}]', "[7,{}]"]
)
def test_c24_a_message_type_that_is_not_known_is_told_apart(text):
    assert isinstance(parse_frame(text), UnknownType)


def test_size_and_depth_are_bounded():
    fits = '[2,"1","A",{"a":' + "[" * (MAX_DEPTH - 2) + "]" * (MAX_DEPTH - 2) + "}]"
    assert isinstance(parse_frame(fits), Call)
    deep = '[2,"1","A",{"a":' + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1) + "}]"
    assert isinstance(parse_frame(deep), Malformed)
    brackets_in_a_text = json.dumps([2, "1", "A", {"a": "[" * 1000}])
    assert isinstance(parse_frame(brackets_in_a_text), Call)
    assert isinstance(parse_frame(" " * (MAX_FRAME_BYTES + 1)), Malformed)


def test_a_number_that_is_not_finite_is_never_written():
    with pytest.raises(ValueError, match="JSON compliant"):
        serialise_frame(Call("1", "A", {"limit": float("nan")}))
