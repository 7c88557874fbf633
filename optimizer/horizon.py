"""Records whose arrays go along the slots of a horizon, and how such a record is cut to fewer of them."""

from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Any, TypeVar, get_args, get_type_hints

from models.arrays import SLOTS
from models.timegrid import TimeGrid

Record = TypeVar("Record")


def cut(record: Record, n_slots: int) -> Record:
    """Return a frozen dataclass with only its first slots, and so the records in it."""
    if isinstance(record, TimeGrid):
        return replace(record, n_slots=n_slots)
    if isinstance(record, tuple) and any(is_dataclass(one) for one in record):
        return type(record)(cut(one, n_slots) for one in record)
    if not is_dataclass(record) or isinstance(record, type):
        return record
    marked = _marked(type(record))
    changes: dict[str, Any] = {}
    for name in (one.name for one in fields(record)):
        value = getattr(record, name)
        shorter = value if value is None else value[..., :n_slots] if name in marked else cut(value, n_slots)
        if shorter is not value:
            changes[name] = shorter
    return replace(record, **changes) if changes else record


@cache
def _marked(kind: type) -> frozenset[str]:
    hints = get_type_hints(kind, include_extras=True)
    return frozenset(
        name
        for name, hint in hints.items()
        if any(SLOTS in getattr(one, "__metadata__", ()) for one in (hint, *get_args(hint)))
    )
