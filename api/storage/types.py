"""Column types that keep their meaning in every database: times are aware UTC, decimals exact, text is plain."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, String
from sqlalchemy.types import TypeDecorator

from models.timegrid import aware_utc

BIG_KEY: Final = BigInteger().with_variant(Integer(), "sqlite")
"""A number that grows with every row: 2**31 readings are half a year of ten thousand stations.

SQLite's integers are that great anyway, and only its ``INTEGER`` counts by itself.
"""


class UtcTime(TypeDecorator[datetime]):
    """An aware time; stored as UTC, which SQLite keeps without its zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the time in UTC, without its zone where the database has none.

        Raises
        ------
        ValueError
            The time has no zone.
        """
        if value is None:
            return None
        utc = aware_utc(value)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the time in UTC."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class ExactDecimal(TypeDecorator[Decimal]):
    """A decimal as text: no database rounds it."""

    impl = String(64)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        """Return the decimal as text."""
        del dialect
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:
        """Return the text as a decimal."""
        del dialect
        return None if value is None else Decimal(value)


class PlainText(TypeDecorator[str]):
    """Text that every database takes: without NUL, which PostgreSQL refuses, and without halves of characters.

    Stations send NUL at the end of a name, and hostile ones half of a surrogate pair, which no UTF-8 has.
    """

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return the text without NUL; half of a character becomes a question mark."""
        del dialect
        return None if value is None else plain_text(value)


def plain_text(text: str) -> str:
    """Return a text as every database takes it."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "").encode("utf-8", "replace").decode()
