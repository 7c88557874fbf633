"""What meters showed at a site, in the words of a plan's request."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from api.planning.request import PlanRequest
from models.sessions import ChargingSession
from models.state import StationCondition
from optimizer.fast import Sign


@dataclass(frozen=True, slots=True)
class SiteSigns:
    """What is known of a site's cars and stations beyond what was said.

    Parameters
    ----------
    of_session : mapping of str to Sign
        By the session's identity.
    conditions : tuple of StationCondition
        Stations that do not follow.
    """

    of_session: Mapping[str, Sign] = field(default_factory=dict)
    conditions: tuple[StationCondition, ...] = ()

    def on(self, request: PlanRequest) -> PlanRequest:
        """Return a request that believes the meters: a car that takes nothing wants nothing more."""
        state = request.state
        known = {station.station_id for station in state.site.stations}
        seen = replace(
            state,
            sessions=tuple(self._corrected(session) for session in state.sessions),
            conditions=tuple(one for one in self.conditions if one.station_id in known),
        )
        return replace(request, state=seen)

    def _corrected(self, session: ChargingSession) -> ChargingSession:
        sign = self.of_session.get(session.session_id)
        if sign is None:
            return session
        target_kwh = min(session.delivered_kwh, session.target_kwh) if sign.is_full else session.target_kwh
        return replace(
            session,
            target_kwh=target_kwh,
            minimum_kwh=min(session.minimum_kwh, target_kwh),
            max_current_a=sign.usable_a if session.max_current_a is None else session.max_current_a,
            n_phases=sign.n_phases or session.n_phases,
        )
