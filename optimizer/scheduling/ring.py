"""A site's program for a whole horizon, of which only a few slots were stated."""

from typing import Final

from optimizer.horizon import cut
from optimizer.problem import Problem
from optimizer.scheduling.parts.part import Moment
from optimizer.scheduling.program import Structure, state_program, widest
from optimizer.solver.compiled import Compiled, compile_program
from optimizer.solver.tiling import FEW, NotAlikeError, Statement, laid_around

BEGINS: Final = 0
"""Place at which chains begin as they are stated, whatever the time: where they begin moves with the numbers."""


def compiled_ring(problem: Problem, structure: Structure, moment: Moment) -> Compiled:
    """Return the program of a structure with all its cells, ready to be moved to a problem.

    Its slots are stated whole only where they are few, or not alike.
    """
    n_slots = problem.grid.n_slots
    if n_slots > FEW + 1:
        try:
            return laid_around(lambda few: _stated(problem, structure, moment, few), n_slots, BEGINS)
        except NotAlikeError:
            pass
    return _stated(problem, structure, moment, n_slots).compiled


def _stated(problem: Problem, structure: Structure, moment: Moment, n_slots: int) -> Statement:
    """Return the program of the first slots of a problem, stated and compiled."""
    try:
        few = widest(cut(problem, n_slots), structure)
        compiled = compile_program(state_program(few, structure, moment))
    except (ValueError, IndexError) as error:
        error.add_note("an array along the slots must be marked so: see optimizer/horizon.py")
        raise
    return Statement(compiled, n_slots, BEGINS)
