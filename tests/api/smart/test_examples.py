"""The examples of smart charging are cases that their commands take, and their schemas describe."""

import json

import jsonschema
import pytest
from typer.testing import CliRunner

from api.cli import app
from api.smart.examples import EXAMPLES


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_taken_by_its_command_and_fits_its_schema(name, tmp_path):
    run = CliRunner()
    printed = run.invoke(app, ["ocpp", "example", name]).stdout
    path = tmp_path / "case.json"
    path.write_text(printed)
    outcome = run.invoke(app, ["ocpp", name, str(path)])
    assert outcome.exit_code == (1 if name == "check" else 0), outcome.output
    schema = json.loads(run.invoke(app, ["schema", f"ocpp-{name}"]).stdout)
    if name != "check":  # which understands the station's own words besides those of its schema
        jsonschema.validate(json.loads(printed), schema)


def test_the_example_of_the_readme_comes_out_as_it_says(tmp_path):
    path = tmp_path / "case.json"
    path.write_text(json.dumps(dict(EXAMPLES["composite"])))
    answer = json.loads(CliRunner().invoke(app, ["ocpp", "composite", str(path)]).stdout)
    periods = answer["chargingSchedule"]["chargingSchedulePeriod"]
    assert [(one["startPeriod"], one["limit"]) for one in periods] == [(0, 10.0), (1200, 16.0)]


def test_there_is_no_example_of_anything_else():
    assert CliRunner().invoke(app, ["ocpp", "example", "plan"]).exit_code == 2
