"""Benchmarks are found, named and reported."""

import importlib
import io
import json
import math
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from benchmarks import registry
from benchmarks.registry import BenchmarkContext, BenchmarkOption, BenchmarkReport, BenchmarkSpec, Environment
from models.errors import InvalidInputError

HERE = Environment.here(seed=7)
CELLS = st.one_of(st.none(), st.text(max_size=8), st.integers(-9999, 9999), st.floats())
MODULE = """
from typing import Final
from benchmarks.registry import BenchmarkReport, BenchmarkSpec

def measure(context):
    return BenchmarkReport("{name}", ("seed",), ((context.seed,),))

BENCHMARK: Final = BenchmarkSpec("{name}", "Counts {name}.", needs_data={needs_data}, run=measure)
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package `drawn_benchmarks` with two benchmarks and a module that must not be imported."""
    folder = tmp_path / "drawn_benchmarks"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "b.py").write_text(MODULE.format(name="sheep", needs_data=False))
    (folder / "a.py").write_text(MODULE.format(name="stars", needs_data=True))
    (folder / "helper.py").write_text("raise RuntimeError('imported although it registers nothing')")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("drawn_benchmarks")
    for name in [name for name in sys.modules if name.split(".")[0] == "drawn_benchmarks"]:
        del sys.modules[name]


def reports():
    """Strategy: reports of any shape whose rows fit their columns."""
    columns = st.lists(st.text(max_size=8), min_size=1, max_size=4)
    return columns.flatmap(
        lambda names: st.builds(
            BenchmarkReport,
            title=st.text(max_size=12),
            columns=st.just(tuple(names)),
            rows=st.lists(st.tuples(*[CELLS] * len(names)), max_size=4).map(tuple),
            notes=st.lists(st.text(max_size=12), max_size=2).map(tuple),
            environment=st.just(HERE),
        )
    )


@given(report=reports())
def test_the_json_of_any_report_keeps_every_finite_figure(report):
    record = json.loads(report.as_json())
    for row, read in zip(report.rows, record["rows"], strict=True):
        for cell, back in zip(row, read, strict=True):
            assert back == (None if isinstance(cell, float) and not math.isfinite(cell) else cell)


@given(report=reports())
def test_any_report_is_shown_in_a_terminal_with_its_environment_in_one_line(report):
    out = io.StringIO()
    Console(file=out, width=300).print(report)
    assert str(HERE) in [line.rstrip() for line in out.getvalue().splitlines()]


@given(value=st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12))
def test_a_figure_is_shown_within_half_a_thousandth_of_its_value(value):
    shown = float(registry.text_of(value).replace(",", ""))
    assert math.isclose(shown, value, rel_tol=5.1e-4)


def test_a_markdown_report_is_a_table_with_units_notes_and_environment():
    report = BenchmarkReport(
        "Replan", ("engine", "p95 [ms]"), (("ours|warm", 7.1234), ("pyomo", 1234.5)), ("two cores",), HERE
    )
    lines = report.as_markdown().splitlines()
    assert lines[:6] == [
        "### Replan",
        "",
        "| engine | p95 [ms] |",
        "| :-- | --: |",
        "| ours\\|warm | 7.123 |",
        "| pyomo | 1,234 |",
    ]
    assert lines[7:] == ["- two cores", f"- {HERE}"]


def test_a_report_refuses_every_row_that_does_not_fit_and_names_them_all():
    with pytest.raises(InvalidInputError) as caught:
        BenchmarkReport("Broken", ("a", "b"), ((1,), (1, 2), (1, 2, 3)), (), HERE)
    assert [issue.where for issue in caught.value.issues] == ["rows[0]", "rows[2]"]


def test_an_environment_names_versions_and_seed():
    assert HERE.seed == 7
    assert dict(HERE.packages)["numpy"][0].isdigit()
    assert "highspy" in str(HERE)


def test_benchmarks_are_found_by_their_constant_and_sorted_by_name(package):
    assert [spec.name for spec in registry.find_all(package)] == ["sheep", "stars"]


def test_a_found_benchmark_runs_with_its_context(package, tmp_path):
    report = registry.find("sheep", package).measure(BenchmarkContext(data_dir=tmp_path, seed=11))
    assert report.rows == ((11,),)


def test_a_benchmark_without_its_data_says_which_folder_is_missing(package, tmp_path):
    nowhere = tmp_path / "nowhere"
    with pytest.raises(registry.MissingDataError, match="nowhere"):
        registry.find("stars", package).measure(BenchmarkContext(data_dir=nowhere))


def test_an_unknown_name_is_answered_with_the_known_ones(package):
    with pytest.raises(registry.UnknownBenchmarkError) as caught:
        registry.find("goats", package)
    assert caught.value.known == ("sheep", "stars")


def test_two_benchmarks_of_one_name_are_refused(package):
    (Path(package.__path__[0]) / "c.py").write_text(MODULE.format(name="sheep", needs_data=False))
    importlib.invalidate_caches()
    with pytest.raises(InvalidInputError, match="taken"):
        registry.find_all(package)


def test_a_constant_that_is_no_spec_is_refused(package):
    (Path(package.__path__[0]) / "c.py").write_text("from typing import Final\nBENCHMARK: Final = 3\n")
    importlib.invalidate_caches()
    with pytest.raises(InvalidInputError, match="no BenchmarkSpec"):
        registry.find_all(package)


def test_every_benchmark_of_the_project_has_a_name_for_the_command_line_and_a_summary():
    for spec in registry.find_all():
        assert isinstance(spec, BenchmarkSpec)
        assert spec.name.isidentifier()
        assert spec.summary.endswith(".")


def test_an_option_that_a_benchmark_does_not_have_is_named_with_those_that_it_has(package, tmp_path):
    spec = replace(registry.find("sheep", package), options=(BenchmarkOption("breed", "which", ("merino",)),))
    with pytest.raises(InvalidInputError, match="--colour: sheep has no such option; there are: --breed"):
        spec.measure(BenchmarkContext(tmp_path, options={"colour": ("black",)}))


def test_a_benchmark_is_given_its_defaults_where_nothing_else_was_asked(tmp_path):
    def measure(context):
        return BenchmarkReport(
            "sheep", ("breed", "age"), ((*context.options["breed"], *context.options["age"]),)
        )

    options = (BenchmarkOption("breed", "which", ("merino",)), BenchmarkOption("age", "of them", ("3",)))
    spec = BenchmarkSpec("sheep", "Counts sheep.", needs_data=False, run=measure, options=options)
    assert spec.measure(BenchmarkContext(tmp_path, options={"age": ("4",)})).rows == (("merino", "4"),)


def test_data_that_an_option_names_stand_for_the_folder(tmp_path):
    def measure(context):
        return BenchmarkReport("sheep", ("file",), ((context.options["file"][0],),))

    option = BenchmarkOption("file", "whose", ("",), names_data=True)
    spec = BenchmarkSpec("sheep", "Counts sheep.", needs_data=True, run=measure, options=(option,))
    nowhere = tmp_path / "nowhere"
    assert spec.measure(BenchmarkContext(nowhere, options={"file": ("mine.csv",)})).rows == (("mine.csv",),)
    with pytest.raises(registry.MissingDataError):
        spec.measure(BenchmarkContext(nowhere))
