"""Golden cases of composite schedules: a folder each, with a station, the answer to a question, and why."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli import app
from api.ocpp.capabilities import OcppVersion
from api.ocpp.validation import MessageKind, MessageValidator

CASES = Path(__file__).parents[2] / "ocpp_cases"
NAMES = sorted(folder.name for folder in CASES.iterdir())
VALIDATORS = {version: MessageValidator(version) for version in OcppVersion}


@pytest.mark.parametrize("name", NAMES)
def test_the_station_answers_as_its_folder_says(name):
    folder = CASES / name
    outcome = CliRunner().invoke(app, ["ocpp", "composite", str(folder / "input.json")])
    assert outcome.exit_code == 0, outcome.output
    assert outcome.stdout == (folder / "expectation.json").read_text(), "members stand in the schema's order"
    version = OcppVersion("ocpp" + json.loads((folder / "input.json").read_text())["version"])
    VALIDATORS[version].check("GetCompositeSchedule", MessageKind.RESPONSE, json.loads(outcome.stdout))


@pytest.mark.parametrize("name", NAMES)
def test_every_case_says_which_requirement_it_shows(name):
    assert (CASES / name / "README.md").read_text().startswith("# ")
