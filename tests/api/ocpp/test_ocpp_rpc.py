"""The npm package ``ocpp-rpc`` in strict mode, with schemas of its own, takes all that the gateway says."""

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from api.ocpp.capabilities import OcppVersion
from api.ocpp.charging_profile import ProfilePurpose, ProfileSelection
from api.ocpp.commands import CommandOutcome
from api.ocpp.dialects import DIALECTS
from tests.api.ocpp.drawn import least
from tests.api.ocpp.house import BOOT, BOTH, CAPABILITIES, in_house, plan

pytestmark = pytest.mark.slow
STATION = Path(__file__).with_name("ocpp_rpc_station.js")
PACKAGE = "ocpp-rpc@2.2.1"
INSTALL_S = 240
ANSWERS = {
    "GetConfiguration": CAPABILITIES[OcppVersion.V16],
    "GetVariables": CAPABILITIES[OcppVersion.V201],
    "SetChargingProfile": {"status": "Accepted"},
    "ClearChargingProfile": {"status": "Accepted"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the package and the station."""
    if shutil.which("npm") is None and not os.environ.get("CI"):
        pytest.skip("needs node and npm")
    made = tmp_path_factory.mktemp("ocpp_rpc")
    shutil.copy(STATION, made)
    (made / "package.json").write_text(json.dumps({"private": True}))
    install = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", PACKAGE]
    done = subprocess.run(install, cwd=made, capture_output=True, text=True, timeout=INSTALL_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return made


async def run_station(folder, script):
    """Run the station to its end, and return what it tells."""
    (folder / "script.json").write_text(json.dumps(script))
    process = await asyncio.create_subprocess_exec(
        "node", STATION.name, "script.json", cwd=folder, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    return json.loads(out)


@BOTH
def test_every_message_of_a_strict_station_is_answered_and_every_command_is_taken(folder, version):
    dialect = DIALECTS[version]
    actions = sorted(dialect.INCOMING_ACTIONS - {"BootNotification"})
    told = {}

    async def scenario(house):
        station = asyncio.create_task(
            run_station(
                folder,
                {
                    "endpoint": f"ws://127.0.0.1:{house.gateway.port}/ocpp",
                    "protocol": version.value,
                    "calls": [
                        ["BootNotification", BOOT[version]],
                        *([action, least(version, action)] for action in actions),
                    ],
                    "answers": ANSWERS,
                    "waitFor": ["SetChargingProfile", "ClearChargingProfile"],
                },
            )
        )
        connected = asyncio.create_task(house.application.next("connected"))
        await asyncio.wait({station, connected}, return_when=asyncio.FIRST_COMPLETED)
        assert connected.done(), station.result()
        assert await house.commands.send_profile("CS1", plan(version)) is CommandOutcome.ACCEPTED
        selection = ProfileSelection(purpose=ProfilePurpose.TX)
        assert await house.commands.clear_profiles("CS1", selection) is CommandOutcome.ACCEPTED
        told.update(await station)

    in_house(scenario)
    assert told["failures"] == []
    assert [action for action, _ in told["answers"]] == ["BootNotification", *actions]
    assert {action for action, _ in told["asked"]} <= set(ANSWERS)


def test_a_strict_station_notices_what_its_schemas_refuse(folder):
    told = {}

    async def scenario(house):
        script = {
            "endpoint": f"ws://127.0.0.1:{house.gateway.port}/ocpp",
            "protocol": "ocpp2.1",
            "calls": [["BootNotification", {"reason": "Nonsense"}]],
            "answers": {},
            "waitFor": [],
        }
        told.update(await run_station(folder, script))

    in_house(scenario)
    assert told["failures"]
    assert told["answers"] == []
