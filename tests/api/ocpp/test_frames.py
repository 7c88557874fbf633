"""Frames: what is written is read again, and whatever else comes is a record, never an exception."""

import json

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from api.ocpp.frames import (
    KINDS_OF_21,
    MAX_DEPTH,
    MAX_FRAME_BYTES,
    Call,
    CallError,
    CallResult,
    CallResultError,
    Malformed,
    Send,
    UnknownType,
    parse_frame,
    serialise_frame,
)
from api.ocpp.nesting import is_deeper

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
    st.builds(CallResultError, IDS, TEXT, TEXT, PAYLOADS),
    st.builds(Send, IDS, TEXT, PAYLOADS),
)


@given(FRAMES)
def test_a_frame_that_is_written_is_read_again(frame):
    text = serialise_frame(frame)
    assert parse_frame(text, KINDS_OF_21) == frame
    assert isinstance(parse_frame(text), UnknownType) == isinstance(frame, CallResultError | Send)


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
        ('[true,"1","Heartbeat",{}]', "-1", True),
        ('[2.0,"1","Heartbeat",{}]', "-1", True),
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


@pytest.mark.parametrize("text", ['[5,"1","GenericError","",{}]', '[6,"1","Notify",{}]', "[0]", "[7,{}]"])
def test_c24_a_message_type_that_is_not_known_is_told_apart(text):
    assert isinstance(parse_frame(text), UnknownType)


@pytest.mark.parametrize(
    ("text", "message_id", "may_be_call"),
    [
        ('[5,"1","FormatViolation"]', "1", False),
        ('[6,"1","NotifyPeriodicEventStream"]', "1", False),
        ('[6,"","NotifyPeriodicEventStream",{}]', "-1", False),
        ('[5,"1","FormatViolation","",{},{}]', "1", False),
    ],
)
def test_what_is_no_frame_of_2_1_wants_no_answer(text, message_id, may_be_call):
    parsed = parse_frame(text, KINDS_OF_21)
    assert isinstance(parsed, Malformed)
    assert (parsed.message_id, parsed.may_be_call) == (message_id, may_be_call)


def naive_depth(value):
    children = value.values() if isinstance(value, dict) else value
    return 1 + max(map(naive_depth, children), default=0) if isinstance(value, list | dict) else 0


@given(VALUES, st.integers(0, 6), st.sampled_from([None, 2]))
def test_depth_is_told_from_the_text_as_from_the_value(value, depth, indent):
    text = json.dumps(value, indent=indent)
    assert is_deeper(text, depth) == (naive_depth(value) > depth)


PIECES = st.sampled_from(["[", "]", "{", "}", '"', "\\", "a", ",", '\\"', "\\u0022", "\ud800", "ä"])


@given(st.lists(PIECES, max_size=60).map("".join), st.integers(0, 5))
def test_a_text_that_is_too_deep_is_found_before_it_is_parsed(text, depth):
    try:
        value = json.loads(text)
    except ValueError:
        is_deeper(text, depth)
    else:
        assert is_deeper(text, depth) == (naive_depth(value) > depth)


@pytest.mark.parametrize(
    "text",
    [
        "[" * MAX_FRAME_BYTES,
        "[" * (MAX_FRAME_BYTES // 2) + "]" * (MAX_FRAME_BYTES // 2),
        "[" * 40 + '"' + '\\"' * (MAX_FRAME_BYTES // 2 - 40),
        "[" * 40 + '"\\' * (MAX_FRAME_BYTES // 2 - 40),
        "[{" * (MAX_FRAME_BYTES // 2),
    ],
    ids=["open", "nested", "quotes without end", "backslashes", "mixed"],
)
def test_no_text_takes_long_to_refuse(text, monkeypatch):
    monkeypatch.setattr(msgspec.json, "decode", None)  # it is not asked
    assert isinstance(parse_frame(text), Malformed)


NUMBERS = st.text("0123456789.eE+-", min_size=1, max_size=8)
JSON_LIKE = st.one_of(
    VALUES.map(json.dumps),
    NUMBERS,
    st.lists(st.sampled_from(list('[]{}:,"\\u0041 truefalsn1e-')), max_size=20).map("".join),
)


@given(JSON_LIKE)
@example("12345678901234567890123456789")
@example('"\\u0000"')
@example('{"a":1,"a":2}')
def test_json_is_read_as_the_standard_library_reads_it(text):
    framed = f'[2,"1","A",{{"a":{text}}}]'
    try:
        expected = json.loads(framed)
    except ValueError:
        assert isinstance(parse_frame(framed), Malformed)
        return
    parsed = parse_frame(framed)
    if isinstance(parsed, Malformed) and parsed.message_id == "-1":
        assert "Infinity" in json.dumps(expected) or "\\ud" in json.dumps(expected).lower()
    elif isinstance(parsed, Call):
        assert repr(parsed.payload) == repr(expected[3]).replace("-0}", "0}")


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
