"""SQL of what stations must show to come in; the caller owns the transaction.

``version`` numbers the changes of the whole table, so that a process reads only what another one has changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.ocpp.handshake import SecurityProfile
from api.ocpp.keys import HashedKey, HashedKeys, KeyScheme, hash_key, new_salt
from api.storage.tables import StationDoorRow


@dataclass(frozen=True, slots=True)
class Door:
    """What a station must show.

    Parameters
    ----------
    station_id : str
    keys : HashedKeys or None
        None for a station without a key of its own.
    minimum_profile : SecurityProfile
    certificate_name : str
        The common name of its certificate, where that is not its identity; often its serial number.
    version : int
    """

    station_id: str
    keys: HashedKeys | None
    minimum_profile: SecurityProfile
    certificate_name: str
    version: int


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key for a station.

    Parameters
    ----------
    scheme : KeyScheme
    key : str
    at_once : bool
        The old one is void now.
    common_key : str
        What the station shows while it has none of its own; empty for nothing.
    """

    scheme: KeyScheme
    key: str
    at_once: bool = False
    common_key: str = ""


def changed_since(session: Session, version: int) -> list[Door]:
    """Return what has changed after a version, the newest change last."""
    rows = select(StationDoorRow).where(StationDoorRow.version > version).order_by(StationDoorRow.version)
    return [_door(row) for row in session.scalars(rows)]


def set_key(session: Session, station_id: str, new: NewKey) -> None:
    """Store a station's next key; the present one holds until the next is used, or not at all.

    For a station that has none of its own, the present one is the common one.
    """
    row = _row_of(session, station_id)
    salt = row.salt or new_salt()  # one for both keys, so that every comparison hashes once
    hashed = hash_key(new.scheme, salt, new.key)
    row.salt = salt
    if row.digest is None and new.common_key and not new.at_once:
        common = hash_key(KeyScheme.CHOSEN, salt, new.common_key)
        row.scheme, row.digest = common.scheme.value, common.digest
    if new.at_once or row.digest is None:
        row.scheme, row.digest = hashed.scheme.value, hashed.digest
        row.next_scheme = row.next_digest = None
    else:
        row.next_scheme, row.next_digest = hashed.scheme.value, hashed.digest


def use_next_key(session: Session, station_id: str, digest: bytes) -> None:
    """Note that a station has shown its next key: the old one is void; nothing if it has got another since."""
    row = _row_of(session, station_id)
    if row.next_digest == digest:
        row.scheme, row.digest = row.next_scheme, row.next_digest
        row.next_scheme = row.next_digest = None


def raise_profile(session: Session, station_id: str, profile: SecurityProfile) -> None:
    """Note the profile that a station has used: from now on it must use that or a higher one (A00.FR.005)."""
    row = _row_of(session, station_id)
    row.minimum_profile = max(row.minimum_profile, profile)


def set_profile(session: Session, station_id: str, profile: SecurityProfile) -> None:
    """Set the lowest profile that a station may use; for people at this machine, never for a message."""
    _row_of(session, station_id).minimum_profile = profile


def set_certificate_name(session: Session, station_id: str, name: str) -> None:
    """Set the common name that a station's certificate has."""
    _row_of(session, station_id).certificate_name = name or None


def _row_of(session: Session, station_id: str) -> StationDoorRow:
    """Return the row of a station, made if there is none, with the next version."""
    row = session.get(StationDoorRow, station_id)
    newest = session.scalar(select(func.max(StationDoorRow.version))) or 0
    if row is None:
        row = StationDoorRow(station_id=station_id, minimum_profile=SecurityProfile.NONE, version=0)
        session.add(row)
    row.version = newest + 1
    return row


def _door(row: StationDoorRow) -> Door:
    return Door(
        row.station_id,
        None if row.salt is None else HashedKeys(row.salt, tuple(_keys(row))),
        SecurityProfile(row.minimum_profile),
        row.certificate_name or "",
        row.version,
    )


def _keys(row: StationDoorRow) -> Sequence[HashedKey]:
    stored = ((row.scheme, row.digest), (row.next_scheme, row.next_digest))
    return [
        HashedKey(KeyScheme(scheme), digest)
        for scheme, digest in stored
        if scheme is not None and digest is not None
    ]
