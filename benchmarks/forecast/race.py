"""Every contender on every group, as rows of a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from benchmarks.forecast.data import Kind, Panel
from benchmarks.forecast.measures import LEAD_HOURS, Figures, figures
from benchmarks.forecast.protocol import N_ORIGINS, Contender, outcomes
from benchmarks.forecast.published import best_of_rivals
from benchmarks.registry import Cell

COLUMNS: Final = (
    "group",
    "forecaster",
    "WQL (feeders: SPL)",
    "of the best published",
    "of the best run here",
    "cov80",
    "above q90 [%]",
    *(f"{first}-{last} h" for first, last in pairwise(LEAD_HOURS)),
    "series x origins",
    "forecast [CPU s per 1000]",
    "history [CPU s per 1000]",
)


@dataclass(frozen=True, slots=True)
class Race:
    """Contenders on the groups of some panels.

    Parameters
    ----------
    panels : tuple of Panel
    n_origins : int
    """

    panels: tuple[Panel, ...]
    n_origins: int = N_ORIGINS

    def run(
        self, contenders: Sequence[Contender], say: Callable[[str], None]
    ) -> dict[tuple[Kind, str], Figures]:
        """Return the figures of every contender by group and name; groups without a series are left out."""
        found = {}
        for contender in contenders:
            for kind in Kind:
                told = [
                    outcome
                    for panel in self.panels
                    if panel.kind is kind
                    for outcome in outcomes(contender, panel, self.n_origins)
                ]
                if told:
                    found[kind, contender.name] = figures(kind, told)
                    say(f"{contender.name}, {kind}: {found[kind, contender.name].loss:.4f}")
        return found


def rows(found: dict[tuple[Kind, str], Figures]) -> list[tuple[Cell, ...]]:
    """Return the rows of a table, group by group."""
    return [_row(kind, name, one, _rival_loss(found, kind, name)) for (kind, name), one in by_group(found)]


def by_group(found: dict[tuple[Kind, str], Figures]) -> list[tuple[tuple[Kind, str], Figures]]:
    """Return the figures in the order of groups."""
    order = list(Kind)
    return sorted(found.items(), key=lambda item: order.index(item[0][0]))


def geometric_means(found: dict[tuple[Kind, str], Figures]) -> list[str]:
    """Return a line for each contender: its loss against the best rival of each group, all groups together."""
    lines = []
    for name in dict.fromkeys(name for _, name in found):
        losses = {kind: one.loss for (kind, other), one in found.items() if other == name}
        published = [loss / best_of_rivals(kind) for kind, loss in losses.items()]
        here = [loss / rival for kind, loss in losses.items() if (rival := _rival_loss(found, kind, name))]
        line = (
            f"{name}, geometric mean over {len(losses)} groups: {_mean(published):.3f} of the best published"
        )
        lines.append(f"{line}, {_mean(here):.3f} of the best other run here" if here else line)
    return lines


def _rival_loss(found: dict[tuple[Kind, str], Figures], kind: Kind, name: str) -> float | None:
    """Least loss of the others in a group; None where nobody else ran."""
    others = [one.loss for (group, other), one in found.items() if group is kind and other != name]
    return min(others, default=None)


def _mean(ratios: list[float]) -> float:
    return float(np.prod(ratios) ** (1.0 / len(ratios)))


def _row(kind: Kind, name: str, one: Figures, rival: float | None) -> tuple[Cell, ...]:
    return (
        kind,
        name,
        round(one.loss, 4),
        round(one.loss / best_of_rivals(kind), 3),
        round(one.loss / rival, 3) if rival else None,
        round(one.cov80, 3),
        round(100.0 * one.above_q90, 1),
        *(round(loss, 4) for loss in one.by_lead),
        one.n_series,
        round(one.cpu_s, 3),
        round(one.learn_s, 2),
    )
