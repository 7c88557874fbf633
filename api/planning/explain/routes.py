"""What another limit would change, over HTTP."""

import asyncio
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from api.planning.explain.schemas import WhatIfOut, WhatIfWire
from api.planning.foresight import foreseen
from api.planning.routes import PlannerDep
from api.wire.schemas import body_of, parsed, problem_of
from optimizer.what_if import what_if

router = APIRouter(prefix="/v1", tags=["planning"])


async def question_in(request: Request) -> WhatIfWire:
    """Return the question in the body, read strictly on a thread.

    Raises
    ------
    InvalidInputError
        It is no JSON, or breaks the schema; names every fault with its path.
    """
    body = await request.body()
    return await asyncio.to_thread(parsed, WhatIfWire, body)


def answer(question: WhatIfWire) -> WhatIfOut:
    """Return what the change would do."""
    request = foreseen(question.state.to_domain())
    return WhatIfOut.from_domain(what_if(request.state, question.change.to_domain(), request.options))


@router.post(
    "/what-ifs",
    responses={
        413: problem_of("The request is longer than the service reads"),
        422: problem_of("The input has faults; all of them are listed with their paths"),
    },
    openapi_extra=body_of(WhatIfWire),
)
async def ask(question: Annotated[WhatIfWire, Depends(question_in)], planner: PlannerDep) -> WhatIfOut:
    """Plan a site twice, with a limit as it is and as it could be: nothing is stored, no station is told."""
    return await planner.run(partial(answer, question))
