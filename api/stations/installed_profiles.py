"""The profiles that stations are believed to hold outlive the process: what is remembered is what was confirmed."""

import logging
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from api.ocpp.charging_profile import ChargingProfile
from api.stations.documents import document_of, profile_in
from api.storage.station_tables import InstalledProfileRow
from models.errors import InvalidInputError

_log = logging.getLogger(__name__)


def save(session: Session, station_id: str, profiles: Iterable[ChargingProfile], now: datetime) -> None:
    """Remember what a station holds, and nothing else of it."""
    wanted = {profile.profile_id: document_of(profile) for profile in profiles}
    rows = session.scalars(select(InstalledProfileRow).where(InstalledProfileRow.station_id == station_id))
    known = {row.profile_id: row for row in rows}
    for profile_id in known.keys() - wanted.keys():
        session.delete(known[profile_id])
    for profile_id, document in wanted.items():
        row = known.get(profile_id)
        if row is None:
            session.add(
                InstalledProfileRow(
                    station_id=station_id, profile_id=profile_id, profile=document, noted_at=now
                )
            )
        elif row.profile != document:
            row.profile, row.noted_at = document, now


def load(session: Session) -> dict[str, tuple[ChargingProfile, ...]]:
    """Return what every station is believed to hold; a record that cannot be read any more is left out, and told."""
    held: dict[str, list[ChargingProfile]] = defaultdict(list)
    for row in session.scalars(select(InstalledProfileRow).order_by(InstalledProfileRow.noted_at)):
        try:
            held[row.station_id].append(profile_in(row.profile))
        except (KeyError, ValueError, TypeError, InvalidInputError):
            _log.exception("the profile %d of %s cannot be read", row.profile_id, row.station_id)
    return {station_id: tuple(profiles) for station_id, profiles in held.items()}


def forget_transaction(session: Session, station_id: str, transaction_id: str) -> None:
    """Forget the profiles that have ended with their transaction (1.6 3.13.1, 2.0.1 K02.FR.05)."""
    rows = select(InstalledProfileRow).where(InstalledProfileRow.station_id == station_id)
    gone = [
        row.profile_id for row in session.scalars(rows) if row.profile.get("transaction_id") == transaction_id
    ]
    session.execute(
        delete(InstalledProfileRow).where(
            InstalledProfileRow.station_id == station_id, InstalledProfileRow.profile_id.in_(gone)
        )
    )
