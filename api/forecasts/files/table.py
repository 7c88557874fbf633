"""A CSV or parquet file as a table, whatever its separator, decimal sign and encoding."""

import gzip
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from models.errors import ChargingError

if TYPE_CHECKING:
    import pandas as pd

LARGEST_BYTES: Final = 500_000_000
_TEXT: Final = (".csv", ".tsv", ".txt")
_PARQUET: Final = (".parquet", ".pq")
_SNIFFED: Final = 20_000


def read_table(path: Path) -> "pd.DataFrame":
    """Return the table in a file; an index of times becomes its first column.

    Raises
    ------
    ChargingError
        The file cannot be read, is too long to be meant, or is no table.
    """
    kind = path.suffix.lower() if path.suffix.lower() != ".gz" else Path(path.stem).suffix.lower()
    if kind not in (*_TEXT, *_PARQUET):
        raise ChargingError(f"{path}: a name that ends in {', '.join((*_TEXT, *_PARQUET))} is needed")
    if not path.is_file():
        raise ChargingError(f"{path} is no file")
    if path.stat().st_size > LARGEST_BYTES:
        raise ChargingError(f"{path} is longer than {LARGEST_BYTES} bytes")
    try:
        table = _parquet(path) if kind in _PARQUET else _text(path)
    except ImportError as error:
        raise ChargingError(f"{path}: {error}; `pip install gridpilot[bench]` brings it") from error
    except (OSError, ValueError, EOFError, zlib.error) as error:
        raise ChargingError(f"{path} cannot be read: {_first_line(error)}") from error
    if table.empty:
        raise ChargingError(f"{path} has no row")
    return table


def write_table(table: "pd.DataFrame", path: Path) -> None:
    """Write a table as CSV or parquet, as the name of the file says.

    Raises
    ------
    ChargingError
        It cannot be written.
    """
    try:
        if path.suffix.lower() in _PARQUET:
            table.to_parquet(path, index=False)
        else:
            table.to_csv(path, index=False, date_format="%Y-%m-%dT%H:%M:%SZ")
    except ImportError as error:
        raise ChargingError(f"{path}: {error}; `pip install gridpilot[bench]` brings it") from error
    except OSError as error:
        raise ChargingError(f"{path}: {error.strerror or error}") from error


def _parquet(path: Path) -> "pd.DataFrame":
    import pandas as pd  # noqa: PLC0415 - takes a second to import

    table: pd.DataFrame = pd.read_parquet(path)
    table.columns = table.columns.map(str)
    if isinstance(table.index, pd.DatetimeIndex):
        table.index.name = "time" if table.index.name is None else str(table.index.name)
        return table.reset_index()
    return table.reset_index(drop=True)


def _text(path: Path) -> "pd.DataFrame":
    import pandas as pd  # noqa: PLC0415 - as above

    for encoding in ("utf-8-sig", "latin-1"):
        try:
            opener = gzip.open if path.suffix.lower() == ".gz" else open
            with opener(path, "rt", encoding=encoding) as handle:
                separator, decimal = _dialect(str(handle.read(_SNIFFED)))
            table = pd.read_csv(
                path,
                sep=separator,
                decimal=decimal,
                encoding=encoding,
                skipinitialspace=True,
                low_memory=False,
            )
        except UnicodeDecodeError:
            continue
        table.columns = table.columns.map(lambda name: str(name).strip())
        return table
    raise ValueError("its encoding is neither UTF-8 nor Latin-1")


def _dialect(head: str) -> tuple[str, str]:
    """Return the separator and the decimal sign that a text seems to have."""
    first, _, rest = head.partition("\n")
    separator = max((";", "\t", ","), key=first.count)
    commas = separator != "," and any(
        left[-1:].isdigit() and right[:1].isdigit()
        for line in rest.splitlines()[:50]
        for cell in line.split(separator)[1:]
        for left, comma, right in [cell.partition(",")]
        if comma
    )
    return separator, "," if commas else "."


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__
