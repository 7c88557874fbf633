"""A document in which something is wrong is refused with its faults, or has a defined answer; never another error."""

import json
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from api.planning.schemas import StateWire
from api.wire.schemas import parsed
from models.errors import InvalidInputError
from tests.strategies import rich_states

JUNK: tuple[object, ...] = (
    None,
    True,
    -1,
    0,
    0.5,
    7,
    1e9,
    1e308,
    "",
    "L1",
    "2026-01-15T18:00:00+00:00",
    [],
    [1.0],
    {},
    {"a": 1},
)


def places(document, path=()):
    """Every place in a document."""
    if not isinstance(document, list | dict):
        return
    parts = document.items() if isinstance(document, dict) else enumerate(document)
    for key, part in parts:
        yield (*path, key)
        yield from places(part, (*path, key))


def owner(document, path):
    for key in path[:-1]:
        document = document[key]
    return document


@given(state=rich_states(max_stations=2), data=st.data())
@settings(max_examples=100)
def test_a_document_that_was_spoilt_is_refused_by_its_faults_or_taken(state, data):
    document = json.loads(StateWire.from_domain(state).model_dump_json())
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(places(document))))
        where = owner(document, path)
        match data.draw(st.sampled_from(["junk", "gone", "twice"])):
            case "junk":
                where[path[-1]] = data.draw(st.sampled_from(JUNK))
            case "gone":
                del where[path[-1]]
            case "twice" if isinstance(where, list):
                where.insert(path[-1], where[path[-1]])
    with suppress(InvalidInputError):
        taken = parsed(StateWire, json.dumps(document).encode()).to_domain().state
        assert StateWire.from_domain(taken).to_domain().state.sessions == taken.sessions
