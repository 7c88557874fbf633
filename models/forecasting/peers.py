"""Stations that have hardly any history borrow that of their peers, scaled to their own load.

A new station's quantiles are those of a mixture: its own samples, and as many pseudo-days of its peers' as it takes
to be trusted. Peers of like installed power count more, and so do those whose mean load is like what is known of its
own. The pseudo-days go as days of its own come; after four weeks none is left, and it stands alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.arrays import FloatArray, IntArray, frozen
from models.forecasting.forecaster import Series
from models.forecasting.memory_kernels import mixture_kernel

N_PARTS: Final = 31
"""Parts of equal probability in which a distribution is mixed."""

_LEAST_WEIGHT: Final = 0.02
"""Of a peer that has quite another installed power, beside 1 of one with the same."""

_IDLE_SHARE: Final = 0.15
"""Share of the peers' mean load that is added to mean loads before they are compared: one idle day says little."""

_GOLDEN: Final = 0.618033988749895
"""Multiples of it, less their whole parts, lie evenly: the first few of any order are spread over all."""


@dataclass(frozen=True, slots=True)
class PeerShape:
    """How much a station without history borrows.

    Parameters
    ----------
    pseudo_days : float
        Days that its peers count as at first.
    grown_days : float
        Days of its own from which on it borrows nothing.
    lending_days : float
        Days of its own from which on it lends.
    level_days : float
        Days that the mean load of its peers counts as, beside its own.
    most : int
        Peers that are read.
    power_keenness, load_keenness : float
        Power of the ratio of installed powers, and of mean loads after one day of its own, that the weight of a
        peer falls with; the latter grows with the root of days.

    Notes
    -----
    WQL of stations of three cities at 7 origins 37 days before those of the benchmark, half of them new, over that
    with their full history, after 0, 1, 3 and 7 days: 1.18, 1.07, 1.05, 1.01; where installed powers are not known
    1.35, 1.09, 1.05, 1.01. At 32 origins up to 140 days before the cuts all peers alike, 4 pseudo-days and 14 grown
    days gave 1.32, 1.13, 1.08, 1.05, this shape with known powers 1.15, 1.09, 1.06, 1.03.
    """

    pseudo_days: float = 8.0
    grown_days: float = 28.0
    lending_days: float = 14.0
    level_days: float = 1.0
    most: int = 20
    power_keenness: float = 4.0
    load_keenness: float = 1.0

    def own_share(self, days: FloatArray) -> FloatArray:
        """Return the share of a series' own samples after some days of them."""
        pseudo = self.pseudo_days * np.maximum(1.0 - days / self.grown_days, 0.0)
        return days / np.maximum(days + pseudo, 1e-9)

    def weights(self, young: "KnownLoad", peers: "KnownLoad") -> FloatArray:
        """Return the weight of each peer, shape (n_peers,), for one young station.

        Parameters
        ----------
        young, peers : KnownLoad
            Of one station, and of those that may lend.
        """
        apart = _powers_apart(young.installed_kw, peers.installed_kw)
        weight = np.exp(-self.power_keenness * apart) + _LEAST_WEIGHT
        if not (weight * peers.mean_kw).sum() > 0.0:
            return frozen(weight)
        idle_kw = _IDLE_SHARE * (weight * peers.mean_kw).sum() / weight.sum()
        apart = np.abs(np.log((young.mean_kw + idle_kw) / (peers.mean_kw + idle_kw)))
        return frozen(weight * np.exp(-self.load_keenness * np.sqrt(young.days) * apart) + _LEAST_WEIGHT**3)

    def level_kw(self, young: "KnownLoad", peers: "KnownLoad") -> FloatArray:
        """Return the mean load that each peer is scaled to, shape (n_peers,).

        Without a day of its own a station may be like any of them, busy or not; with every day more, each of them
        is scaled more towards its own mean load.
        """
        days = young.days + self.level_days
        return frozen((young.days * young.mean_kw + self.level_days * peers.mean_kw) / days)


@dataclass(frozen=True, slots=True)
class KnownLoad:
    """What is known of some stations; each array of shape (n_stations,).

    Parameters
    ----------
    row : int64
        Which they are.
    installed_kw : float64
        Infinite where it is not known.
    mean_kw : float64
        Mean load of late, 0 where there is none.
    days : float64
        Days of samples.
    """

    row: IntArray
    installed_kw: FloatArray
    mean_kw: FloatArray
    days: FloatArray

    def each(self) -> Iterator["KnownLoad"]:
        """Give what is known of one after the other."""
        for i in range(self.row.size):
            one = slice(i, i + 1)
            yield KnownLoad(self.row[one], self.installed_kw[one], self.mean_kw[one], self.days[one])


@dataclass(frozen=True, slots=True)
class Peers:
    """Who borrows from whom.

    Parameters
    ----------
    young : (n_young,) int64
        Rows of charging stations that still borrow.
    lending : (n_lending,) int64
        Rows of those that lend, some of which may still borrow; none where nobody borrows.
    """

    young: IntArray
    lending: IntArray


def peers_of(series: tuple[Series, ...], days: FloatArray, shape: PeerShape) -> Peers:
    """Return which charging loads have too few days of samples, and which have enough to lend.

    Of many that lend, some are read for each installed power of those that borrow: the nearest to it, and of those
    that are equally near some all over the rows.
    """
    charging = np.asarray([member.unit == "kW" and member.lower == 0.0 for member in series], dtype=np.bool_)
    young = np.flatnonzero(charging & (days < shape.grown_days))
    lending = np.flatnonzero(charging & (days >= shape.lending_days))
    if not young.size or not lending.size:
        return Peers(young[:0], lending[:0])
    installed_kw = np.asarray([member.upper for member in series])
    spread = np.argsort(np.arange(lending.size) * _GOLDEN % 1.0, kind="stable")
    chosen = set[int]()
    for power_kw in np.unique(installed_kw[young]):
        apart = _powers_apart(power_kw, installed_kw[lending[spread]])
        nearest = np.argsort(apart, kind="stable")[: shape.most]
        chosen.update(lending[spread[nearest]].tolist())
    return Peers(young, np.asarray(sorted(chosen), dtype=np.int64))


@dataclass(frozen=True, slots=True)
class Parts:
    """Loads as distributions, each in equal parts.

    Parameters
    ----------
    young_kw : (n_young, N_PARTS, n_slots) float64
        Of stations that borrow, by their own samples; NaN where there is none.
    lent_kw : (n_peers, N_PARTS, n_slots) float64
        Of those that lend.
    """

    young_kw: FloatArray
    lent_kw: FloatArray

    def mixed(self, shape: PeerShape, known: tuple[KnownLoad, KnownLoad], levels: FloatArray) -> FloatArray:
        """Return quantiles of what each has of its own and what it borrows, (n_young, n_levels, n_slots) [kW].

        NaN where nobody else lends, and it has no sample.

        Parameters
        ----------
        shape : PeerShape
        known : tuple of KnownLoad
            Of those that borrow, and of those that lend.
        levels : (n_levels,) float64
        """
        young, peers = known
        share = shape.own_share(young.days)
        weight = np.stack([shape.weights(one, peers) for one in young.each()])
        factor = np.stack([shape.level_kw(one, peers) for one in young.each()])
        factor = np.divide(factor, peers.mean_kw, out=np.zeros_like(factor), where=peers.mean_kw > 0.0)
        weight *= np.where(young.row[:, np.newaxis] == peers.row, 0.0, 1.0)
        if peers.mean_kw.any():  # those that idle have nothing to scale, unless all do
            weight *= peers.mean_kw > 0.0
        total = weight.sum(axis=1, keepdims=True)
        part = np.divide(weight, total, out=np.zeros_like(weight), where=total > 0.0)
        part *= 1.0 - share[:, np.newaxis]
        by_slot = np.ascontiguousarray(self.lent_kw.transpose(2, 0, 1))
        return mixture_kernel(np.ascontiguousarray(self.young_kw), by_slot, factor, part, share, levels)


def _powers_apart(one_kw: FloatArray, other_kw: FloatArray) -> FloatArray:
    """Return how far installed powers are apart, as a logarithm; 0 where one of them is not known."""
    known = np.isfinite(one_kw) & np.isfinite(other_kw) & (one_kw > 0.0) & (other_kw > 0.0)
    return np.abs(np.log(np.where(known, one_kw, 1.0) / np.where(known, other_kw, 1.0)))
