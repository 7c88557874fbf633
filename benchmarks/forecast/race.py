"""Every contender on every group, as rows of a table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np

from benchmarks.forecast.data import Kind, Panel
from benchmarks.forecast.measures import LEAD_HOURS, Figures, figures
from benchmarks.forecast.protocol import N_ORIGINS, NotHereError, Outcome, Place, Runner, places, sampled
from benchmarks.forecast.published import best_of_rivals
from benchmarks.registry import Cell

COLUMNS: Final = (
    "group",
    "forecaster",
    "WQL",
    "SPL",
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
class Group:
    """What is judged together: series of a kind, or a sample of them.

    Parameters
    ----------
    kind : Kind
    n_sampled, n_all : int
        Series x origins, of the sample and of the whole group.
    """

    kind: Kind
    n_sampled: int
    n_all: int

    @property
    def is_whole(self) -> bool:
        """Whether all of it is judged."""
        return self.n_sampled == self.n_all

    def __str__(self) -> str:
        return self.kind if self.is_whole else f"{self.kind}, {self.n_sampled} of {self.n_all}"


@dataclass(frozen=True, slots=True)
class Results:
    """What came of a race.

    Parameters
    ----------
    figures : dict of (Group, str) to Figures
        Of every contender by name.
    missing : dict of str to str
        Why a contender did not run.
    """

    figures: dict[tuple[Group, str], Figures] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def groups(self) -> list[Group]:
        """Groups in the order of kinds, the whole before a sample of it."""
        order = list(Kind)
        found = dict.fromkeys(group for group, _ in self.figures)
        return sorted(found, key=lambda group: (order.index(group.kind), not group.is_whole, group.n_sampled))

    @property
    def names(self) -> list[str]:
        """Contenders that ran, in the order of the race."""
        return list(dict.fromkeys(name for _, name in self.figures))

    def of(self, group: Group) -> dict[str, Figures]:
        """Return the figures of a group by contender."""
        return {name: one for (other, name), one in self.figures.items() if other == group}


@dataclass(frozen=True, slots=True)
class Race:
    """Contenders on the groups of some panels; the first is who the others are compared with on samples.

    Parameters
    ----------
    panels : tuple of Panel
    n_origins : int
    """

    panels: tuple[Panel, ...]
    n_origins: int = N_ORIGINS

    def run(self, contenders: Sequence[Runner], say: Callable[[str], None]) -> Results:
        """Return the figures of every contender by group; groups without a series are left out."""
        by_kind = {
            kind: [
                place
                for panel in self.panels
                if panel.kind is kind
                for place in places(panel, self.n_origins)
            ]
            for kind in Kind
        }
        found = Results()
        first: tuple[str, dict[Kind, list[Outcome]]] | None = None
        for contender in contenders:
            try:
                told = _told(contender, by_kind)
            except NotHereError as error:
                found.missing[contender.name] = str(error)
                say(f"{contender.name}: {error}")
                continue
            first = first or (contender.name, told)
            for kind, outcomes in told.items():
                n_all = sum(place.rows.size for place in by_kind[kind])
                group = Group(kind, sum(one.actual.shape[0] for one in outcomes), n_all)
                found.figures.setdefault((group, first[0]), figures(kind, _same(first[1][kind], outcomes)))
                found.figures[group, contender.name] = figures(kind, outcomes)
                say(f"{contender.name}, {group}: {found.figures[group, contender.name].loss:.4f}")
        return found


def rows(found: Results) -> list[tuple[Cell, ...]]:
    """Return the rows of a table, group by group; those that did not run come last, and say why."""
    nothing: tuple[Cell, ...] = (None,) * (len(COLUMNS) - 2)
    return [
        *(_row(found, group, name, one) for group in found.groups for name, one in found.of(group).items()),
        *(("–", f"{name}: {why}", *nothing) for name, why in found.missing.items()),
    ]


def geometric_means(found: Results) -> list[str]:
    """Return a line for each contender: its loss against the best rival of each whole group, all together."""
    lines = []
    for name in found.names:
        own = {
            group: one for (group, other), one in found.figures.items() if other == name and group.is_whole
        }
        if not own:
            continue
        published = [one.loss / best_of_rivals(group.kind) for group, one in own.items()]
        here = [one.loss / rival for group, one in own.items() if (rival := _rival_loss(found, group, name))]
        line = f"{name}, geometric mean over {len(own)} groups: {_mean(published):.3f} of the best published"
        lines.append(f"{line}, {_mean(here):.3f} of the best other run here" if here else line)
    return lines


def _told(contender: Runner, by_kind: Mapping[Kind, Sequence[Place]]) -> dict[Kind, list[Outcome]]:
    """Return what a contender says of every group that has a series; it is asked once, for all of them."""
    asked = [place for given in by_kind.values() for place in sampled(given, contender.most)]
    told: dict[Kind, list[Outcome]] = {}
    for outcome in contender.tell(asked):
        told.setdefault(outcome.kind, []).append(outcome)
    return told


def _same(whole: Sequence[Outcome], sample: Sequence[Outcome]) -> list[Outcome]:
    """Return the part of some outcomes that a sample is of."""
    by_place = {(one.panel, one.origin): one for one in whole}
    none = np.zeros(0, dtype=np.int64)
    return [by_place[one.panel, one.origin].only(none if one.rows is None else one.rows) for one in sample]


def _rival_loss(found: Results, group: Group, name: str) -> float | None:
    """Least loss of the others in a group; None where nobody else ran."""
    return min((one.loss for other, one in found.of(group).items() if other != name), default=None)


def _mean(ratios: list[float]) -> float:
    return float(np.prod(ratios) ** (1.0 / len(ratios)))


def _row(found: Results, group: Group, name: str, one: Figures) -> tuple[Cell, ...]:
    rival = _rival_loss(found, group, name)
    return (
        str(group),
        name,
        round(one.wql, 4),
        round(one.spl, 4),
        round(one.loss / best_of_rivals(group.kind), 3) if group.is_whole else None,
        round(one.loss / rival, 3) if rival else None,
        round(one.cov80, 3),
        round(100.0 * one.above_q90, 1),
        *(round(loss, 4) for loss in one.by_lead),
        one.n_series,
        round(one.cpu_s, 3),
        round(one.learn_s, 2),
    )
