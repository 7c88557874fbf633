"""Meter values on their way: they arrive late, out of order, and some never."""

from dataclasses import dataclass

import numpy as np

from models.arrays import BoolArray, FloatArray, IntArray
from models.metering import MeterSamples


@dataclass(frozen=True, slots=True)
class MeterDelay:
    """How late meter values are.

    Parameters
    ----------
    least_s, mean_s : float
        A sample takes the least time and an exponential one on top, together ``mean_s`` on average [s].
    lost_share : float
        Part of the samples that never arrive, in [0, 1).
    noise_a : float
        Standard deviation of what a meter adds to a current that flows [A].
    """

    least_s: float = 0.5
    mean_s: float = 4.0
    lost_share: float = 0.01
    noise_a: float = 0.05


class DelayedMeters:
    """Holds samples back until they arrive.

    Parameters
    ----------
    delay : MeterDelay
    seed : int
        Of every time and loss that is drawn.
    """

    def __init__(self, delay: MeterDelay, seed: int) -> None:
        self._delay = delay
        self._random = np.random.default_rng(seed)
        self._on_the_way: list[tuple[FloatArray, MeterSamples]] = []

    def sent(self, samples: MeterSamples) -> None:
        """Send samples on their way; one that gets lost is never seen again."""
        delay, n = self._delay, samples.evse.size
        kept = np.nonzero(self._random.random(n) >= delay.lost_share)[0]
        late_s = delay.least_s + self._random.exponential(max(delay.mean_s - delay.least_s, 0.0), n)
        noise_a = self._random.normal(0.0, delay.noise_a, n)
        shown = self._noisy(samples, noise_a).only(kept)
        if kept.size:
            self._on_the_way.append((shown.at_s + late_s[kept], shown))

    def arrived(self, now_s: float) -> MeterSamples:
        """Return, once, all samples that have arrived by now."""
        here, rest = [], []
        for arrives_s, samples in self._on_the_way:
            is_here = arrives_s <= now_s
            here.append(samples.only(_places(is_here)))
            if not is_here.all():
                rest.append((arrives_s[~is_here], samples.only(_places(~is_here))))
        self._on_the_way = rest
        return MeterSamples.joined(here)

    def _noisy(self, samples: MeterSamples, noise_a: FloatArray) -> MeterSamples:
        shown_a = np.maximum(samples.current_a + noise_a[:, None], 0.0)
        current_a = np.where(samples.current_a > 0.0, shown_a, samples.current_a)
        return MeterSamples(samples.evse, samples.at_s, current_a, samples.power_kw)


def _places(chosen: BoolArray) -> IntArray:
    return np.nonzero(chosen)[0]
