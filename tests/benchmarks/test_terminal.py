"""A report is read in a terminal of any width: no cell and no word of a heading is broken."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from benchmarks import month, post_plans, replan
from benchmarks.registry import BenchmarkReport, Cell, text_of

WORDS = st.text("abcdefghij[]%/", min_size=1, max_size=9)
HEADINGS = st.lists(WORDS, min_size=1, max_size=4).map(" ".join)
FIGURES = st.one_of(st.none(), st.integers(-9999, 9999), st.floats(0.001, 1e6))
ROWS: dict[tuple[str, ...], tuple[Cell, ...]] = {
    month.COLUMNS: (150.0, "everything", "earliest_deadline", *[1234.5] * (len(month.COLUMNS) - 3)),
    replan.COLUMNS: (100, *[1234.5] * (len(replan.COLUMNS) - 1)),
    post_plans.COLUMNS: (100, *[1234.5] * (len(post_plans.COLUMNS) - 1)),
}


@st.composite
def reports(draw):
    """Strategy: reports with one column of words and up to twelve of figures."""
    headings = draw(st.lists(HEADINGS, min_size=2, max_size=13))
    n_rows = draw(st.integers(1, 3))
    row = st.tuples(WORDS, *[FIGURES] * (len(headings) - 1))
    return BenchmarkReport("Drawn", tuple(headings), tuple(draw(row) for _ in range(n_rows)))


def shown(report, width):
    out = io.StringIO()
    Console(file=out, width=width).print(report)
    return out.getvalue().splitlines()


def words_of(lines):
    return {word for line in lines for word in line.split()}


@given(report=reports(), width=st.integers(40, 200))
def test_every_cell_and_every_word_of_a_heading_is_whole_and_no_line_is_too_long(report, width):
    lines = shown(report, width)
    assert max(map(len, lines)) <= width
    wanted = {text_of(cell) for row in report.rows for cell in row}
    wanted |= {word for heading in report.columns for word in heading.split()}
    assert wanted <= words_of(lines)


@given(report=reports(), width=st.integers(40, 200))
def test_every_block_names_its_rows_and_every_figure_stands_once(report, width):
    lines = shown(report, width)
    n_blocks = sum(set(line.strip()) == {"─"} for line in lines)
    n_figures = len(report.columns) - 1
    table = lines[: next(i for i, line in enumerate(lines) if line.startswith("Python"))]
    rows = [line.split() for line in table]
    for row in report.rows:
        same = sum(other[0] == row[0] for other in report.rows)
        begins = [cells for cells in rows if cells[:1] == [row[0]] and len(cells) > 1]
        assert len(begins) >= n_blocks
        assert n_figures * same <= sum(len(cells) - 1 for cells in begins)


@pytest.mark.parametrize("columns", sorted(ROWS))
def test_the_figures_of_the_project_are_read_at_80_columns(columns):
    lines = shown(BenchmarkReport("Project", columns, (ROWS[columns],)), 80)
    assert {word for heading in columns for word in heading.split()} <= words_of(lines)
    assert sum(line.split().count("1,234") for line in lines) == ROWS[columns].count(1234.5)


def test_a_wide_terminal_shows_one_table_with_headings_in_one_line():
    lines = shown(BenchmarkReport("Month", month.COLUMNS, (ROWS[month.COLUMNS],)), 300)
    assert lines[2].split() == " ".join(month.COLUMNS).split()
