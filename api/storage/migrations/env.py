"""How Alembic reaches the database; run by it, not imported."""

from typing import Literal

from alembic import context
from sqlalchemy import Connection, create_engine

from api.storage.station_tables import METADATA
from api.storage.types import ExactDecimal, PlainText, UtcTime


def _render(kind: str, item: object, _context: object) -> str | Literal[False]:
    """Name our own column types in a new revision; the rest is left to Alembic."""
    if kind == "type" and isinstance(item, UtcTime | ExactDecimal):
        return f"{type(item).__name__}()"
    if kind == "type" and isinstance(item, PlainText):
        return "sa.String()"  # what is left out is left out before it is stored
    return False


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection, target_metadata=METADATA, render_as_batch=True, render_item=_render
    )
    with context.begin_transaction():
        context.run_migrations()


def _connect_and_run() -> None:
    given = context.config.attributes.get("connection")
    if given is not None:
        _run(given)
        given.commit()
        return
    engine = create_engine(context.config.get_main_option("sqlalchemy.url") or "")
    with engine.connect() as connection:
        _run(connection)
    engine.dispose()


_connect_and_run()
