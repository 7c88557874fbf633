"""A profile comes back from storage as it was, whatever version of OCPP it needs, and from older documents too."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from api.ocpp.capabilities import RateUnit
from api.ocpp.charging_profile import ChargingProfile, ProfileKind, ProfilePurpose
from api.ocpp.periods import OperationMode, SchedulePeriod
from api.stations.documents import document_of, profile_in

PLAIN = ChargingProfile(
    profile_id=11,
    purpose=ProfilePurpose.TX,
    evse_number=1,
    stack_level=1,
    unit=RateUnit.POWER,
    start=datetime(2024, 5, 1, 12, tzinfo=UTC),
    duration_s=900,
    periods=(SchedulePeriod(0, 11000.0, 3), SchedulePeriod(60, 7000.0, 3)),
    transaction_id="7",
)
BOTH_WAYS = replace(
    PLAIN,
    periods=(SchedulePeriod(0, 11000.0, 3, -5000.0, -7000.0, OperationMode.CENTRAL_SETPOINT),),
    kind=ProfileKind.DYNAMIC,
    update_interval_s=30,
    max_offline_s=600,
    invalid_after_offline=True,
)


@pytest.mark.parametrize("profile", [PLAIN, BOTH_WAYS])
def test_a_profile_comes_back_as_it_was(profile):
    assert profile_in(document_of(profile)) == profile


def test_a_document_from_before_ocpp_2_1_is_still_read():
    document = document_of(PLAIN)
    assert document["periods"] == [[0, 11000.0, 3], [60, 7000.0, 3]]
    for name in ("kind", "update_interval_s", "max_offline_s", "invalid_after_offline"):
        del document[name]
    assert profile_in(document) == PLAIN
