"""Members of whatever is sent stand in the order of the schema, however they were written."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.ocpp.capabilities import OcppVersion
from api.ocpp.catalogue import Catalogue
from api.ocpp.ordering import in_order_of_schema
from api.ocpp.wire import Command
from tests.api.ocpp.drawn import disorder, messages

COMMANDS = [
    (version, action) for version in OcppVersion for action in sorted(Catalogue.read().commands(version))
]


def shuffled(value, random):
    if isinstance(value, list):
        return [shuffled(one, random) for one in value]
    if not isinstance(value, dict):
        return value
    names = list(value)
    random.shuffle(names)
    return {name: shuffled(value[name], random) for name in names}


@pytest.mark.parametrize("version", list(OcppVersion))
@settings(max_examples=60)
@given(data=st.data())
def test_every_command_is_sent_in_the_order_of_its_schema(version, data):
    action = data.draw(st.sampled_from([action for known, action in COMMANDS if known is version]))
    payload = data.draw(messages(version, action))
    mixed = shuffled(payload, data.draw(st.randoms(use_true_random=False)))
    ordered = in_order_of_schema(Command(action, mixed), version)
    assert ordered.payload == payload
    assert disorder(version, action, ordered.payload) == []


def test_what_no_schema_knows_stands_last():
    command = Command("Reset", {"colour": 1, "type": "Soft"})
    assert list(in_order_of_schema(command, OcppVersion.V16).payload) == ["type", "colour"]
