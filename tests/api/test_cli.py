"""The command line as users call it: results on success, one clear error and code 2 on bad input."""

import json
import socket
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from api.cli import app
from api.commands.bench import options_in
from api.examples import examples
from api.planning.answer.schemas import PlanOut
from api.settings import Settings
from models.errors import InvalidInputError


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def state_file(tmp_path):
    def write(document):
        path = tmp_path / "state.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return path

    return write


@pytest.mark.parametrize("name", sorted(examples()))
def test_plan_shows_the_plan_and_writes_it(state_file, tmp_path, name):
    out, plot = tmp_path / "plan.json", tmp_path / "plan.html"
    result = run("plan", state_file(examples()[name]), "--out", out, "--plot", plot)
    assert result.exit_code == 0, result.output
    assert "feasible" in result.output
    assert PlanOut.model_validate_json(out.read_bytes()).site_id == name
    assert "<svg" in plot.read_text()


def test_plan_names_every_fault_of_a_bad_file_and_exits_with_2(state_file):
    state = examples()["workplace"]
    state["sessions"][1]["evse_id"] = "nowhere"
    state["sessions"][2]["departure"] = "2026-03-03T07:00:00+01:00"
    result = run("plan", state_file(state))
    assert result.exit_code == 2
    assert "2 faults" in result.stderr
    assert "sessions[1].evse_id" in result.stderr
    assert "sessions[2].departure" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("text", ["", "not json", "[]", "null", '{"site": 1}', "\x00"])
def test_a_file_that_is_no_state_is_an_error_and_no_traceback(state_file, text):
    result = run("plan", state_file(text))
    assert (result.exit_code, "Traceback" in result.output) == (2, False)
    assert result.stderr


def test_a_file_that_is_not_there_is_named(tmp_path):
    result = run("plan", tmp_path / "missing.json")
    assert result.exit_code == 2
    assert "missing.json" in result.stderr


def test_a_plot_of_an_unknown_kind_is_refused_before_the_work(state_file, tmp_path):
    result = run("plan", state_file(examples()["depot"]), "--plot", tmp_path / "plan.gif")
    assert result.exit_code == 2
    assert "plan.gif" in result.stderr


def test_the_printed_schema_is_a_schema_that_the_examples_obey():
    schema = json.loads(run("schema").output)
    Draft202012Validator.check_schema(schema)
    for example in examples().values():
        Draft202012Validator(schema).validate(example)


def test_bench_list_shows_the_benchmarks_and_an_unknown_one_is_named():
    assert "replan" in run("bench", "list").output
    result = run("bench", "run", "nonsense")
    assert result.exit_code == 2
    assert "nonsense" in result.stderr


def test_replay_compares_policies_and_writes_the_results(tmp_path):
    sessions, out = tmp_path / "sessions.csv", tmp_path / "out.json"
    sessions.write_text(
        "station,arrival,departure,energy_kwh\n"
        "a,2026-01-05T16:00:00Z,2026-01-05T20:00:00Z,8\n"
        "b,2026-01-05T17:00:00Z,2026-01-05T19:00:00Z,4\n"
    )
    result = run(
        "replay", sessions, "--site", "caltech", "--policy", "ours", "--policy", "equal_share", "--out", out
    )
    assert result.exit_code == 0, result.output
    assert {"ours", "equal_share", "switches", "real"} <= set(result.output.split())  # at 80 columns
    ours, equal_share = json.loads(out.read_text())
    assert (ours["policy"], equal_share["policy"]) == ("ours", "equal_share")
    assert ours["exceedances"] == []
    assert ours["delivered_kwh"] == pytest.approx(12, rel=0.02)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--site", "mars"), "mars"),
        (("--site", "caltech", "--policy", "luck"), "luck"),
        (("--site", "caltech", "--belief", "hope"), "hope"),
        (("--site", "missing.json"), "missing.json"),
        (("--site", "caltech", "--limit", "-5"), "-5"),
    ],
)
def test_replay_names_what_it_does_not_know(tmp_path, arguments, named):
    sessions = tmp_path / "sessions.csv"
    sessions.write_text(
        "station,arrival,departure,energy_kwh\na,2026-01-05T16:00:00Z,2026-01-05T20:00:00Z,8\n"
    )
    result = run("replay", sessions, *arguments)
    assert result.exit_code == 2, result.output
    assert named in result.stderr


def test_serve_names_the_driver_that_a_database_lacks(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    result = run("serve", "--database", "postgresql://user:secret@db/grid")
    assert result.exit_code == 2
    assert "pip install gridpilot[postgres]" in result.stderr
    assert "secret" not in result.stderr


@pytest.mark.parametrize("option", ["--port", "--ocpp-port"])
def test_serve_names_a_port_on_which_it_cannot_listen(tmp_path, option):
    database = f"sqlite:///{tmp_path / 'grid.sqlite'}"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        other = "--ocpp-port" if option == "--port" else "--port"
        busy = run("serve", option, port, other, 0, "--database", database)
    beyond = run("serve", option, 70_000, "--database", database)
    assert (busy.exit_code, beyond.exit_code) == (2, 2)
    assert f"port {port}" in busy.stderr
    assert "port 70000" in beyond.stderr


def test_serve_names_a_database_that_cannot_be_opened(tmp_path):
    no_database = tmp_path / "notes.txt"
    no_database.write_text("not a database, but longer than the header of one " * 20)
    for path in (tmp_path / "nowhere" / "grid.sqlite", no_database):
        result = run("serve", "--port", 0, "--ocpp-port", 0, "--database", f"sqlite:///{path}")
        assert result.exit_code == 2, result.output
        assert str(path) in result.stderr


def test_serve_names_an_empty_url_of_a_database(monkeypatch):
    monkeypatch.setenv("GRIDPILOT_DATABASE_URL", "")
    result = run("serve")
    assert result.exit_code == 2
    assert "database_url" in result.stderr


def test_every_bad_setting_is_named(monkeypatch):
    monkeypatch.setenv("GRIDPILOT_API_PORT", "eighty")
    monkeypatch.setenv("GRIDPILOT_PLAN_EVERY_S", "often")
    with pytest.raises(InvalidInputError, match=r"GRIDPILOT_API_PORT.*GRIDPILOT_PLAN_EVERY_S"):
        Settings.from_environment()


def test_help_does_not_import_what_takes_a_second():
    code = (
        "import sys; from typer.testing import CliRunner; from api.cli import app;"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0;"
        "print([n for n in ('pandas', 'numba', 'pyomo', 'fastapi', 'matplotlib', 'sqlalchemy') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_options_of_a_benchmark_are_shown_and_a_strange_one_is_named():
    shown = run("bench", "options", "acn")
    assert shown.exit_code == 0
    assert "--network" in shown.output
    refused = run("bench", "run", "acn", "--smoke", "--colour", "red", "--cap", "25%")
    assert refused.exit_code == 2
    assert "--colour" in refused.stderr


@given(
    given=st.dictionaries(
        st.sampled_from(["cap", "cut", "data"]), st.lists(st.sampled_from("ab=1"), min_size=1)
    ),
    joined=st.booleans(),
)
def test_options_of_a_benchmark_are_read_in_every_form(given, joined):
    words = []
    for name, values in given.items():
        words += [f"--{name}={value}" for value in values] if joined else [f"--{name}", *values]
    assert options_in(words) == {name: tuple(values) for name, values in given.items()}


def test_a_value_without_an_option_and_an_option_without_a_value_are_named():
    with pytest.raises(InvalidInputError) as caught:
        options_in(["25%", "--cap"])
    assert [issue.where for issue in caught.value.issues] == ["25%", "--cap"]
