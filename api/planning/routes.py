"""Plans over HTTP."""

import asyncio
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from api.planning.answer.schemas import PlanOut
from api.planning.optimum.schemas import OptimumOut
from api.planning.planner import Planner
from api.planning.schemas import StateWire
from api.planning.service import Decision, decide
from api.wire.schemas import body_of, parsed, problem_of

router = APIRouter(prefix="/v1", tags=["planning"])


def planner_of(request: Request) -> Planner:
    """Return the planner of the running service."""
    planner: Planner = request.app.state.planner
    return planner


PlannerDep = Annotated[Planner, Depends(planner_of)]


async def state_in(request: Request) -> StateWire:
    """Return the state in the body; read strictly, on a thread, since a big one takes a while.

    Raises
    ------
    InvalidInputError
        It is no JSON, or breaks the schema; names every fault with its path.
    """
    body = await request.body()
    return await asyncio.to_thread(parsed, StateWire, body)


def answer(planner: Planner, state: StateWire, *, optimum: bool) -> bytes:
    """Return the plan for a state as it goes over the wire."""
    decision = decide(planner, state.to_domain())
    told = plan_out(decision)
    return (with_optimum(told, decision) if optimum else told).model_dump_json().encode()


def plan_out(decision: Decision) -> PlanOut:
    """Return a decision as it stands on the wire, fall-backs first: they are what a station needs first."""
    return PlanOut.from_domain(decision.plan, decision.request, (*decision.fallbacks, *decision.profiles))


def with_optimum(answer: PlanOut, decision: Decision) -> PlanOut:
    """Return an answer that also holds the program and its optimum before rounding."""
    return answer.model_copy(update={"optimum": OptimumOut.from_domain(decision.plan)})


@router.post(
    "/plans",
    response_model=PlanOut,
    responses={
        413: problem_of("The request is longer than the service reads"),
        422: problem_of("The input has faults; all of them are listed with their paths"),
    },
    openapi_extra=body_of(StateWire),
)
async def make_plan(
    state: Annotated[StateWire, Depends(state_in)],
    planner: PlannerDep,
    optimum: Annotated[bool, Query(description="also tell the program and its optimum")] = False,  # noqa: FBT002 - a query
) -> Response:
    """Plan a site from the state that is sent: nothing is stored, no station is told."""
    work = partial(answer, planner, state, optimum=optimum)
    return Response(await planner.run(work), media_type="application/json")
