"""A benchmark's table in a terminal: whole where it fits, else in blocks under the same first columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Final, Literal

from rich import box
from rich.cells import cell_len
from rich.markup import escape
from rich.table import Table

_GAP: Final = 2
"""Blanks between two columns."""

_READABLE: Final = 8
"""Headings are wrapped into less than this only where that saves a second table."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column as text.

    Parameters
    ----------
    heading : str
        With its unit.
    cells : tuple of str
        One for each row.
    is_text : bool
        Words stand left, figures right.
    """

    heading: str
    cells: tuple[str, ...]
    is_text: bool

    def narrowed(self, least: int) -> "Column":
        """Return the column with its heading in lines no longer than its cells, its longest word or ``least``."""
        longest = max((cell_len(word) for word in (*self.cells, *self.heading.split())), default=0)
        lines = wrap(self.heading, max(longest, least), break_long_words=False, break_on_hyphens=False)
        return Column("\n".join(lines), self.cells, self.is_text)

    @property
    def width(self) -> int:
        """Characters that the column takes when nothing in it is wrapped."""
        return max(cell_len(line) for cell in (self.heading, *self.cells) for line in cell.split("\n"))


def tables_within(columns: Sequence[Column], width: int) -> tuple[Table, ...]:
    """Return the columns as one table that is at most ``width`` characters wide, or as several.

    Where one line of headings is too wide, headings are wrapped between words; where that is too wide, too, the
    columns are dealt out to several tables. Each begins with the columns that name its rows: the first one and
    the words that follow it. No cell is ever wrapped; a single column that is too wide stays so.
    """
    readable = [column.narrowed(_READABLE) for column in columns]
    for wide in (columns, readable, [column.narrowed(1) for column in columns]):
        if _width(wide) <= width:
            return (_table(wide),)
    names, figures = readable[: _n_names(columns)], readable[_n_names(columns) :]
    blocks = [list(names)]
    for column in figures:
        if len(blocks[-1]) > len(names) and _width([*blocks[-1], column]) > width:
            blocks.append(list(names))
        blocks[-1].append(column)
    return tuple(_table(block) for block in blocks)


def _n_names(columns: Sequence[Column]) -> int:
    """Return how many columns name a row."""
    for place, column in enumerate(columns[1:], start=1):
        if not column.is_text:
            return place
    return len(columns)


def _width(columns: Sequence[Column]) -> int:
    return sum(column.width for column in columns) + _GAP * (len(columns) - 1)


def _table(columns: Sequence[Column]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, _GAP - 1, 0, 0))
    for column in columns:
        side: Literal["left", "right"] = "left" if column.is_text else "right"
        table.add_column(escape(column.heading), justify=side, no_wrap=True, vertical="bottom")
    for cells in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*(escape(cell) for cell in cells))
    return table
