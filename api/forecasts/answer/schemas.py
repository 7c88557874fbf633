"""A forecast on the wire, with what was cleaned before it."""

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import Field

from api.forecasts.request import TOTAL, ForecastAnswer
from api.wire.schemas import WireModel
from models.arrays import FloatArray
from models.forecasting.cleaning.findings import Fault, Span

MOST_SPANS: Final = 20


class SpanOut(WireModel):
    """Slots that follow each other."""

    start: datetime
    end: datetime
    samples: int


class CleanedOut(WireModel):
    """What was wrong with samples of one series, and what was done about it."""

    fault: Annotated[str, Field(description="kind of fault, e.g. spike, flatline, gap")]
    answer: Annotated[str, Field(description="what it is, and what was done")]
    samples: Annotated[int, Field(description="how many samples have it")]
    spans: Annotated[tuple[SpanOut, ...], Field(description=f"where; the first {MOST_SPANS} of them")]

    @classmethod
    def from_spans(cls, fault: Fault, spans: list[Span]) -> "CleanedOut":
        """Return one kind of fault as it stands on the wire."""
        shown = tuple(
            SpanOut(
                start=datetime.fromtimestamp(span.first_s, UTC),
                end=datetime.fromtimestamp(span.end_s, UTC),
                samples=span.n_slots,
            )
            for span in spans[:MOST_SPANS]
        )
        n_samples = sum(span.n_slots for span in spans)
        return cls(fault=fault.name.lower(), answer=fault.answer, samples=n_samples, spans=shown)


class SeriesForecastOut(WireModel):
    """Forecast of one series, in its own unit."""

    series_id: str
    unit: str
    quantiles: Annotated[
        tuple[tuple[float, ...], ...], Field(description="a row per level, a value per slot")
    ]
    paths: Annotated[
        tuple[tuple[float, ...], ...], Field(description="a row per path, a value per slot")
    ] = ()
    samples: Annotated[int | None, Field(description="slots that it rests on; null for the sum of all")] = (
        None
    )
    newest: Annotated[datetime | None, Field(description="start of the newest of them")] = None
    cleaned: tuple[CleanedOut, ...] = ()


class WarningOut(WireModel):
    """What the reader should know, and what it is about."""

    where: str
    what: str


class ForecastOut(WireModel):
    """Quantiles and paths; path ``i`` of every series is the same future, so that paths may be summed."""

    method: str
    issued_at: Annotated[datetime, Field(description="nothing from this moment on was read")]
    start: Annotated[datetime, Field(description="start of the first slot")]
    step_minutes: float
    levels: Annotated[tuple[float, ...], Field(description="probabilities of staying below")]
    series: tuple[SeriesForecastOut, ...]
    total: Annotated[SeriesForecastOut | None, Field(description="sum of all series, where asked for")] = None
    warnings: tuple[WarningOut, ...] = ()

    @classmethod
    def from_domain(cls, answer: ForecastAnswer) -> "ForecastOut":
        """Return an answer as it goes over the wire."""
        forecast = answer.forecast
        cleaned = _cleaned(answer)
        total = None
        if answer.total is not None:
            summed = _rows(answer.paths.values.sum(axis=0)) if answer.paths is not None else ()
            unit = forecast.series[0].unit
            total = SeriesForecastOut(series_id=TOTAL, unit=unit, quantiles=_rows(answer.total), paths=summed)
        return cls(
            method=forecast.basis.method,
            issued_at=forecast.issued_at,
            start=forecast.grid.start,
            step_minutes=forecast.grid.step_s / 60,
            levels=tuple(forecast.levels.tolist()),
            series=tuple(_series(answer, row, cleaned) for row in range(len(forecast.series))),
            total=total,
            warnings=tuple(WarningOut(where=one.where, what=one.what) for one in answer.warnings),
        )


def _series(answer: ForecastAnswer, row: int, cleaned: dict[int, list[CleanedOut]]) -> SeriesForecastOut:
    forecast, basis = answer.forecast, answer.forecast.basis
    n_samples = int(basis.n_samples[row])
    return SeriesForecastOut(
        series_id=forecast.series[row].series_id,
        unit=forecast.series[row].unit,
        quantiles=_rows(forecast.values[row]),
        paths=_rows(answer.paths.values[row]) if answer.paths is not None else (),
        samples=n_samples,
        newest=datetime.fromtimestamp(int(basis.newest_s[row]), UTC) if n_samples else None,
        cleaned=tuple(cleaned.get(row, ())),
    )


def _rows(values: FloatArray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in values.tolist())


def _cleaned(answer: ForecastAnswer) -> dict[int, list[CleanedOut]]:
    """Return what was found by series."""
    spans: dict[tuple[int, Fault], list[Span]] = {}
    for span in answer.findings.spans():
        spans.setdefault((span.row, span.fault), []).append(span)
    by_row: dict[int, list[CleanedOut]] = {}
    for (row, fault), found in spans.items():
        by_row.setdefault(row, []).append(CleanedOut.from_spans(fault, found))
    return by_row
