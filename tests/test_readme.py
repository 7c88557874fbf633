"""What a newcomer reads is true: commands exist, JSON is what ships, links lead somewhere."""

import dataclasses
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from api.cli import app
from api.examples import examples, state_of
from api.planning.planner import Planner
from api.planning.routes import plan_out
from api.planning.schemas import StateWire
from api.planning.service import decide
from api.settings import PREFIX, Settings
from api.wire.schemas import parsed
from benchmarks import registry
from models.errors import InvalidInputError

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md")
FENCE = re.compile(r"^ *```(\w+)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)")
SOURCE_PATH = re.compile(r"`([\w.*<>-]+(?:/[\w.*<>-]+)+)`")
PLACEHOLDERS = ("XXX", "<", "*", "NAME")


def text_of(document):
    return (ROOT / document).read_text(encoding="utf-8")


def blocks(document, language):
    """The fenced blocks of a language."""
    return [body for kind, body in FENCE.findall(text_of(document)) if kind == language]


def commands(program):
    """Every shown line that calls a program, in blocks and in sentences, without its comment."""
    shown = set()
    for document in DOCUMENTS:
        lines = [line for body in blocks(document, "sh") for line in body.splitlines()]
        lines += INLINE.findall(FENCE.sub("", text_of(document)))
        shown |= {line.strip() for line in lines if line.strip().startswith(program + " ")}
    return sorted(shown)


def faults_of(line):
    """What a line of `gridpilot` names that the command line does not know."""
    words = shlex.split(line, comments=True)[1:]
    command = get_command(app)
    while words and hasattr(command, "commands"):
        if words[0] not in command.commands:
            return [words[0]]
        command = command.commands[words.pop(0)]
    known = {name for parameter in command.params for name in parameter.opts}
    if command.name == "run" and words[0] in {spec.name for spec in registry.find_all()}:
        known |= {f"--{option.name}" for option in registry.find(words[0]).options}
    return [word for word in words if word.startswith("--") and word not in known]


def is_within(shown, real):
    """Whether what is shown is a part of what is real: members of objects, items of lists, equal values."""
    if isinstance(shown, dict):
        return isinstance(real, dict) and all(k in real and is_within(v, real[k]) for k, v in shown.items())
    if isinstance(shown, list) and any(isinstance(item, dict) for item in shown):
        return isinstance(real, list) and all(any(is_within(item, other) for other in real) for item in shown)
    return shown == real


def without_figures(value):
    """The same document with every number, and every decimal in a text, replaced by its kind."""
    if isinstance(value, dict):
        return {key: without_figures(member) for key, member in value.items()}
    if isinstance(value, list):
        kinds = [without_figures(item) for item in value]
        return ["numbers"] if set(map(str, kinds)) == {"number"} else kinds
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "number"
    return re.sub(r"^-?\d+\.\d+$", "decimal", value) if isinstance(value, str) else value


def shown_with(member):
    """The one JSON block of the readme that has this member and no other such block before it."""
    return next(found for found in map(json.loads, blocks("README.md", "json")) if member in found)


@pytest.fixture(scope="module")
def workplace_answer():
    """What the service answers to the workplace example when its program is alive already."""
    planner = Planner()
    try:
        request = state_of(examples()["workplace"]).to_domain()
        decide(planner, request)
        return json.loads(plan_out(decide(planner, request)).model_dump_json())
    finally:
        planner.close()


@pytest.mark.parametrize("line", commands("gridpilot"))
def test_every_command_that_is_shown_exists_with_its_options(line):
    assert faults_of(line) == []


@pytest.mark.parametrize("line", ["gridpilot dance", "gridpilot plan S.json --fast", "gridpilot bench walk"])
def test_a_command_that_does_not_exist_is_noticed(line):
    assert faults_of(line)


@pytest.mark.parametrize("line", commands("make"))
def test_every_target_of_make_that_is_shown_exists(line):
    target = shlex.split(line, comments=True)[1]
    assert re.search(rf"^{re.escape(target)}:", text_of("Makefile"), re.MULTILINE)


def test_the_readme_shows_the_three_commands_of_its_users():
    shown = {tuple(shlex.split(line, comments=True)[1:2]) for line in commands("gridpilot")}
    assert {("plan",), ("serve",), ("replay",), ("schema",), ("bench",)} <= shown


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_and_image_leads_to_a_file(document):
    targets = [link for link in LINK.findall(text_of(document)) if "://" not in link]
    assert [link for link in targets if not (ROOT / document).parent.joinpath(link).exists()] == []


def test_every_path_that_contributing_names_exists():
    named = [path for path in SOURCE_PATH.findall(text_of("CONTRIBUTING.md")) if "." in path]
    gone = [path for path in named if not any(mark in path for mark in PLACEHOLDERS)]
    assert named
    assert [path for path in gone if not path.startswith("..") and not (ROOT / path).exists()] == []


def test_the_two_inputs_are_those_that_ship():
    shown = [block for block in map(json.loads, blocks("README.md", "json")) if "site" in block]
    assert len(shown) == 2
    assert shown[0] == examples()["workplace"]
    assert is_within(shown[1], examples()["depot"])
    assert not is_within(shown[1], examples()["workplace"])


def test_the_shortened_answer_is_a_part_of_the_real_one(workplace_answer):
    shown = shown_with("schedule")
    assert is_within(without_figures(shown), without_figures(workplace_answer))
    assert shown["solve"]["status"] == workplace_answer["solve"]["status"]


def test_the_parts_of_a_plan_that_are_explained_are_those_that_it_has(workplace_answer):
    explained = re.findall(r"^\| `([a-z.]+)` \|", text_of("README.md"), re.MULTILINE)
    assert set(explained) >= {"schedule", "binding", "unmet", "prices", "profiles", "notes"}
    for path in explained:
        part = workplace_answer
        for member in path.split("."):
            part = part[member]


def test_the_faults_that_are_shown_are_those_that_such_an_input_has():
    shown = shown_with("errors")
    body = b'{"now": "2026-03-03T08:10:00", "tariff": {"energy_per_kwh": 0.3, "currency": "euro"}}'
    with pytest.raises(InvalidInputError) as caught:
        parsed(StateWire, body)
    told = [{"path": issue.where, "detail": issue.what} for issue in caught.value.issues]
    assert shown["errors"] == told


def test_the_plan_in_the_readme_has_the_columns_and_the_binding_limit_of_the_real_one():
    (shown,) = blocks("README.md", "text")
    result = CliRunner().invoke(app, ["plan", str(ROOT / "api/examples/depot.json")], env={"COLUMNS": "100"})
    assert result.exit_code == 0
    real = {" ".join(line.split()) for line in result.output.splitlines()}
    heads = [
        " ".join(line.split()) for line in shown.splitlines() if line.strip().startswith(("hour", "node"))
    ]
    assert len(heads) == 2
    assert set(heads) <= real
    assert "transformer kW grid operator" in " ".join(shown.split())
    assert "transformer kW grid operator" in " ".join(result.output.split())


def test_every_setting_is_listed_with_its_default():
    rows = re.findall(rf"^\| (`{PREFIX}.*?) \| (.*?) \|", text_of("README.md"), re.MULTILINE)
    shown: dict[str, str] = {}
    for names, defaults in rows:
        values = [value.strip("` ") for value in defaults.split(",")]
        shown |= dict(zip((name.strip("` ") for name in names.split(",")), values, strict=True))
    real = {
        PREFIX + f.name.upper(): str(f.default).removesuffix(".0") or "empty"
        for f in dataclasses.fields(Settings)
    }
    assert shown == real


def test_the_python_that_is_shown_runs():
    (code,) = blocks("README.md", "python")
    state = state_of(examples()["depot"]).to_domain().state
    names: dict[str, Any] = {"site": state.site}
    exec(compile(code, "README.md", "exec"), names)  # noqa: S102 - our own document
    assert max(names["controller"].step(state).prices.total_per_kwh) <= names["rules"].ceiling_per_kwh


def test_every_benchmark_has_its_place_in_the_benchmarks_readme():
    text = text_of("benchmarks/README.md")
    for spec in registry.find_all():
        assert f"<!-- table: {spec.name} -->" in text
        assert f"`gridpilot bench run {spec.name}`" in text


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_outputs_and_without_paths_of_a_machine(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert code
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert not re.search(r"(/home/|/Users/|/root/|/tmp/|[A-Z]:\\\\)", path.read_text(encoding="utf-8"))
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"


def test_the_picture_is_small():
    assert (ROOT / "notebooks/images/schedule.png").stat().st_size < 150_000
