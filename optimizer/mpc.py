"""Model predictive control of one site: a state in, a plan out, again and again."""

from models.grid.site import Site
from models.state import SiteState
from optimizer.options import PlanOptions
from optimizer.plan import Plan


class Controller:
    """Plans one site; keeps its program alive between steps. Not thread-safe: one step at a time."""

    def __init__(self, site: Site, options: PlanOptions | None = None) -> None:
        self._site = site
        self._options = options or PlanOptions()

    def step(self, state: SiteState) -> Plan:
        """Return the plan for ``state``.

        Raises
        ------
        InvalidInputError
            The state cannot be used; names every fault.
        """
        raise NotImplementedError
