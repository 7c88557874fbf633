"""SQL of plans; the caller owns the transaction."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from api.planning.answer.schemas import PlanOut
from api.planning.service import Decision
from api.storage.tables import OutboxRow, PlanRow

KEPT_PLANS = 50
"""Plans of a site that are kept for a look back."""


def add_plan(session: Session, decision: Decision) -> int:
    """Store a plan as it would be answered, and return its number; the oldest ones of the site make room."""
    plan = decision.plan
    answer = PlanOut.from_domain(plan, decision.request, decision.profiles)
    row = PlanRow(
        site_id=plan.site_id,
        made_at=plan.made_at,
        status=plan.report.status.value,
        answer=answer.model_dump(mode="json"),
    )
    session.add(row)
    session.flush()
    _forget_old(session, plan.site_id)
    return row.plan_id


def newest_plan(session: Session, site_id: str) -> dict[str, Any] | None:
    """Return the newest plan of a site as it was answered."""
    return session.scalar(
        select(PlanRow.answer).where(PlanRow.site_id == site_id).order_by(PlanRow.plan_id.desc()).limit(1)
    )


def newest_plan_id(session: Session, site_id: str, made_at: datetime) -> int | None:
    """Return the number of a site's newest plan if it is the one that was made then."""
    newest = select(PlanRow.plan_id, PlanRow.made_at).where(PlanRow.site_id == site_id)
    row = session.execute(newest.order_by(PlanRow.plan_id.desc()).limit(1)).first()
    return row.plan_id if row is not None and row.made_at == made_at else None


def _forget_old(session: Session, site_id: str) -> None:
    kept = (
        select(PlanRow.plan_id)
        .where(PlanRow.site_id == site_id)
        .order_by(PlanRow.plan_id.desc())
        .limit(KEPT_PLANS)
    )
    oldest = session.scalars(kept).all()[-1]
    old = select(PlanRow.plan_id).where(PlanRow.site_id == site_id, PlanRow.plan_id < oldest)
    session.execute(delete(OutboxRow).where(OutboxRow.plan_id.in_(old)))
    session.execute(delete(PlanRow).where(PlanRow.site_id == site_id, PlanRow.plan_id < oldest))
