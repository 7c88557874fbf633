"""The garage of the California Institute of Technology, after its public description.

54 EVSEs of 32 A at 208 V, each connected between two lines of the 208/120 V side of a 150 kW transformer:
26 between lines A and B (16 of them behind two pods of 8 with 80 A each), 14 between B and C, 14 between C
and A (four of which, for disabled drivers, are placed there by assumption). One pod has ClipperCreek EVSEs,
whose pilots are 8, 16, 24 and 32 A; all others are AeroVironment, 6 to 32 A in whole amperes [1]_ [2]_.

**A simplification.** Our site has three phases with loads between phase and neutral. Each pair of lines (AB,
BC, CA) becomes one phase of 208 V here, the windings of a delta. With unity power factor the current of line
A is the difference of two phasors that are 120 degrees apart, sqrt(x^2 + y^2 + x y) for pair currents x and y,
at most sqrt(3) max(x, y). A line limit of L is therefore kept wherever each pair stays below L / sqrt(3), one
third of the transformer's power at 208 V: exact for balanced load, careful for any other.

References
----------
.. [1] Z. J. Lee et al., "Adaptive Charging Networks: A framework for smart electric vehicle charging," IEEE
       Trans. Smart Grid, vol. 12, no. 5, 2021, doi:10.1109/TSG.2021.3074437.
.. [2] Z. J. Lee, D. Johansson and S. H. Low, "ACN-Sim: An open-source simulator for data-driven electric
       vehicle charging research," IEEE SmartGridComm 2019, doi:10.1109/SmartGridComm.2019.8909765.
"""

from typing import Final

from models.grid.site import ALL_PHASES, CircuitNode, Connector, Evse, Phase, Site, Station
from models.units import W_PER_KW

LINE_TO_LINE_V: Final = 208.0
TRANSFORMER_KW: Final = 150.0
POD_A: Final = 80.0
CLIPPER_CREEK_A: Final = (8.0, 16.0, 24.0, 32.0)

CLIPPER_CREEK_POD: Final = (320, 321, 322, 323, 493, 494, 495, 496)
AERO_VIRONMENT_POD: Final = (324, 325, 326, 327, 489, 490, 491, 492)
BESIDE_THE_PODS: Final = (
    (303, 308, 310, 316, 318, 498, 500, 506, 508, 513),
    (148, 149, 212, 213, 304, 305, 311, 313, 317, 499, 503, 505, 511, 512),
    (306, 307, 309, 312, 314, 315, 319, 497, 501, 502, 504, 507, 509, 510),
)
"""EVSEs between lines A and B, B and C, C and A, in the order of the phases that stand for these pairs."""


def caltech(limit_kw: float = TRANSFORMER_KW) -> Site:
    """Return the garage behind a transformer of ``limit_kw`` [kW].

    Raises
    ------
    ValueError
        The limit is not above 0.
    """
    if not limit_kw > 0:
        raise ValueError(f"a transformer of {limit_kw} kW carries nothing")
    pair_a = limit_kw * W_PER_KW / 3 / LINE_TO_LINE_V
    pod_a = (POD_A, POD_A, POD_A)
    nodes = (
        CircuitNode("transformer", None, limit_kw, (pair_a, pair_a, pair_a)),
        CircuitNode("pod-clipper-creek", "transformer", limit_a=pod_a),
        CircuitNode("pod-aero-vironment", "transformer", limit_a=pod_a),
    )
    stations = [_station(number, "pod-clipper-creek", Phase.L1) for number in CLIPPER_CREEK_POD]
    stations += [_station(number, "pod-aero-vironment", Phase.L1) for number in AERO_VIRONMENT_POD]
    for phase, numbers in zip(ALL_PHASES, BESIDE_THE_PODS, strict=True):
        stations += [_station(number, "transformer", phase) for number in numbers]
    return Site("caltech", "America/Los_Angeles", nodes, tuple(stations), LINE_TO_LINE_V)


def _station(number: int, node_id: str, phase: Phase) -> Station:
    pilots_a = CLIPPER_CREEK_A if number in CLIPPER_CREEK_POD else None
    name = f"CA-{number}"
    plug = (Connector(1, "IEC_62196_T1"),)
    return Station(name, node_id, (Evse(name, (phase,), pilots_a=pilots_a, connectors=plug),))
