"""The CitrineOS adapter: its types fit the slot, and it plans with a real service."""

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import api.adapters
from api.ocpp.capabilities import OcppVersion
from api.ocpp.validation import MessageKind, MessageValidator

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent
ADAPTER = Path(api.adapters.__file__).with_name("citrineos.ts")
TYPESCRIPT = "typescript@7.0.2"
FUSE_A = 32.0
COMPILER = {
    "target": "ES2022",
    "module": "NodeNext",
    "moduleResolution": "NodeNext",
    "lib": ["ES2023", "DOM"],
    "types": ["node"],
    "strict": True,
    "noUnusedLocals": True,
    "noUnusedParameters": True,
    "outDir": "out",
}


def run(*command, cwd):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """Folder with the adapter and its driver, compiled: a type that does not fit fails here."""
    if shutil.which("npm") is None and not os.environ.get("CI"):
        pytest.skip("needs node and npm")
    folder = tmp_path_factory.mktemp("citrineos")
    for source in (ADAPTER, HERE / "citrineos_interface.d.ts", HERE / "citrineos_drive.ts"):
        shutil.copy(source, folder)
    (folder / "package.json").write_text(json.dumps({"private": True, "type": "module"}))
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": COMPILER, "include": ["*.ts"]}))
    run("npm", "install", "--no-audit", "--no-fund", TYPESCRIPT, "@types/node@20", cwd=folder)
    run("node_modules/.bin/tsc", "-p", ".", cwd=folder)
    return folder


@pytest.fixture(scope="module")
def driven(compiled, gridpilot):
    return json.loads(run("node", "out/citrineos_drive.js", gridpilot, cwd=compiled))


def limit_at(profile, moment):
    (schedule,) = profile["chargingSchedule"]
    passed_s = (moment - datetime.fromisoformat(schedule["startSchedule"])).total_seconds()
    periods = [p for p in schedule["chargingSchedulePeriod"] if p["startPeriod"] <= passed_s]
    return periods[-1]["limit"] if periods else 0.0


def test_the_adapter_fits_the_interface_of_today_and_of_version_1(compiled):
    assert (compiled / "out" / "citrineos.js").exists()


def test_an_adapter_with_another_signature_does_not_compile(compiled):
    source = (compiled / "citrineos.ts").read_text()
    broken = compiled / "broken"
    broken.mkdir()
    for name in ("citrineos_interface.d.ts", "citrineos_drive.ts", "tsconfig.json", "package.json"):
        shutil.copy(compiled / name, broken)
    (broken / "citrineos.ts").write_text(source.replace("tenantId: number,", "tenantId: Date,"))
    (broken / "node_modules").symlink_to(compiled / "node_modules")
    done = subprocess.run(
        ["node_modules/.bin/tsc", "-p", "."], cwd=broken, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "PresentISmartCharging" in done.stdout


def test_the_profile_of_a_car_is_a_valid_one_of_its_transaction(driven):
    check = MessageValidator(OcppVersion.V201).check
    for evse_id, name, transaction_id in ((1, "alone", "tx-a"), (2, "joined", "tx-b")):
        profile = driven[name]
        request = {"evseId": evse_id, "chargingProfile": profile}
        check("SetChargingProfile", MessageKind.REQUEST, request)
        assert profile["transactionId"] == transaction_id
        assert profile["chargingProfilePurpose"] == "TxProfile"


def test_a_car_alone_gets_what_it_needs(driven):
    now = datetime.now(UTC)
    amperes = [limit_at(driven["alone"], now + timedelta(minutes=minute)) for minute in range(150)]
    assert sum(amperes) * 3 * 0.23 / 60 == pytest.approx(40, rel=0.1)


def test_a_car_gets_no_more_periods_than_it_can_read(driven):
    (schedule,) = driven["joined"]["chargingSchedule"]
    assert len(schedule["chargingSchedulePeriod"]) <= 3


def test_a_second_car_lowers_the_first_one_and_the_fuse_is_kept_at_every_minute(driven):
    (message,) = driven["toldToFirst"]
    assert (message["stationId"], message["evseId"]) == ("CS-1", 1)
    now = datetime.now(UTC)
    for minute in range(150):
        moment = now + timedelta(minutes=minute)
        assert limit_at(message["chargingProfile"], moment) + limit_at(driven["joined"], moment) <= FUSE_A


def test_a_schedule_within_its_profile_changes_nothing_and_one_beyond_is_answered_by_the_profile(driven):
    assert driven["afterWithin"] == len(driven["toldToFirst"])
    (again,) = driven["toldAgain"]
    assert again["chargingProfile"] == driven["joined"]
    assert any("exceeds its profile" in line for line in driven["warnings"])


def test_planning_again_tells_every_car_what_follows_from_what_it_has_had(driven):
    now = datetime.now(UTC)
    profiles = {message["stationId"]: message["chargingProfile"] for message in driven["replanned"]}
    assert set(profiles) == {"CS-1", "CS-2"}
    amperes = [limit_at(profiles["CS-1"], now + timedelta(minutes=minute)) for minute in range(150)]
    assert sum(amperes) * 3 * 0.23 / 60 == pytest.approx(5, abs=2)  # 35 of 40 kWh were delivered


def test_needs_are_rejected_when_another_car_cannot_be_lowered_or_no_plan_is_had(driven):
    assert "is not connected" in driven["refused"]
    assert "Gridpilot answered 422" in driven["rejected"]
    assert "tariff" in driven["rejected"]


def test_a_transaction_of_a_station_that_the_site_does_not_list_is_told_to_the_operator(driven):
    assert any("CS-99/1" in line for line in driven["warnings"])
