"""Limits that vary by slot and come from somewhere: a grid company's signal, an operator, a schedule."""

from dataclasses import dataclass

from models.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class NodeLimit:
    """A limit on one circuit node by slot, beside the node's own rating; the tightest of all counts.

    Parameters
    ----------
    node_id : str
    source : str
        Who set it; named when the limit binds.
    limit_kw : (n_slots,) float64 or None
        Greatest power [kW]; inf where there is none.
    limit_a : (3, n_slots) float64 or None
        Greatest current of each phase [A]; inf where there is none.
    """

    node_id: str
    source: str
    limit_kw: FloatArray | None = None
    limit_a: FloatArray | None = None
