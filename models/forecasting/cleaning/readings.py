"""What goes into the cleaner, and what comes out."""

from dataclasses import dataclass

from models.arrays import BoolArray, FloatArray, IntArray
from models.errors import GridMismatchError
from models.forecasting.cleaning.findings import Findings
from models.forecasting.forecaster import Samples


@dataclass(frozen=True, slots=True)
class Readings:
    """Samples as they come, with what is known of them beside the value; each array of shape (n_samples,).

    Parameters
    ----------
    samples : Samples
        ``samples.curtailed`` marks values that are known to have been held down.
    online : bool or None
        Whether the charger could be reached; None where that is not known.
    limit : float64 or None
        Power that was allowed in the slot, in the unit of the series; a value at its limit was held down.
    """

    samples: Samples
    online: BoolArray | None = None
    limit: FloatArray | None = None

    def __post_init__(self) -> None:
        for column in (self.online, self.limit):
            if column is not None and column.shape != self.samples.time_s.shape:
                raise GridMismatchError(f"{column.shape} does not fit samples of {self.samples.time_s.shape}")

    def at(self, places: IntArray) -> "Readings":
        """Return the readings at some places, in their order."""
        samples, curtailed = self.samples, self.samples.curtailed
        kept = Samples(
            samples.time_s[places],
            samples.row[places],
            samples.value[places],
            curtailed[places] if curtailed is not None else None,
        )
        online = self.online[places] if self.online is not None else None
        return Readings(kept, online, self.limit[places] if self.limit is not None else None)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What came out: samples to learn from, one by series and slot, and what was found.

    A slot may come again in a later batch with another value, or NaN: it is the better one.
    """

    samples: Samples
    findings: Findings
