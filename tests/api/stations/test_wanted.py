"""Whatever cars and others want, a site can be planned with it."""

from dataclasses import replace
from datetime import UTC

from hypothesis import given, settings
from hypothesis import strategies as st

from api.ocpp.events import TransactionStarted
from api.ocpp.notices import ChargingNeedsTold
from api.ocpp.registry import Registry
from api.stations import needs, repository
from api.stations.limits import respecting
from api.stations.states import request_of
from api.storage.engine import Database
from models.validate import validate_state
from tests.api.stations.desk import NOW
from tests.api.stations.test_network import standing
from tests.api.stations.wanted import external_schedules, limit

ABOVE_0 = st.none() | st.floats(0, 500, exclude_min=True)
"""What is told as 0 is not taken for a limit when it is read."""


@settings(max_examples=25)
@given(
    told=st.builds(
        ChargingNeedsTold,
        st.just(1),
        st.just("AC_BPT"),
        st.none() | st.datetimes(timezones=st.just(UTC)),
        st.none() | st.floats(0, 10_000),
        ABOVE_0,
        ABOVE_0,
        ABOVE_0,
        ABOVE_0,
        st.none() | st.integers(1, 3),
    ),
    allowed=st.lists(st.tuples(st.integers(0, 2), external_schedules()), max_size=3),
)
def test_k15_whatever_a_car_or_somebody_else_wants_can_be_planned(tmp_path_factory, told, allowed):
    database = Database(f"sqlite:///{tmp_path_factory.getbasetemp() / 'wanted.sqlite'}")
    database.migrate()
    with database.write() as session:
        repository.start_transaction(session, "north", TransactionStarted(1, NOW, "t", "anna", 0.0))
        needs.keep(session, "north", told, NOW)
    with database.read() as session:
        plugged, known = repository.plugged_in(session, ["north"]), needs.kept(session, ["north"])
    planned = needs.knowing(request_of(standing(), plugged, NOW, Registry(lambda: NOW)), plugged, known)
    external = [replace(limit(one, evse=evse), source=f"{i}") for i, (evse, one) in enumerate(allowed)]
    validate_state(respecting(planned, external).state)
    database.close()
