"""The planning API: examples that run, a description that holds, and an event loop that stays free."""

import asyncio
import threading

import httpx
import pytest
import schemathesis
from hypothesis import given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance

from api.app import create_app
from api.examples import examples, state_of
from api.ocpp.capabilities import OcppVersion
from api.ocpp.validation import MessageKind, MessageValidator
from api.planning.answer.schemas import PlanOut
from api.planning.planner import Planner
from api.planning.schemas import StateWire
from api.planning.service import decide
from api.settings import Settings
from models.errors import InvalidInputError
from optimizer.mpc import Controller
from optimizer.options import PlanOptions
from tests.strategies import site_states

SCHEMA = schemathesis.openapi.from_asgi("/openapi.json", create_app(Settings()))


@pytest.fixture(scope="module")
def planner():
    planner = Planner(max_live=3)
    yield planner
    planner.close()


@pytest.mark.parametrize("name", sorted(examples()))
def test_every_example_of_the_description_runs(client, name):
    body = client.get("/openapi.json").json()["paths"]["/v1/plans"]["post"]["requestBody"]
    answer = client.post("/v1/plans", json=body["content"]["application/json"]["examples"][name]["value"])
    assert answer.status_code == 200, answer.text
    plan = PlanOut.model_validate_json(answer.content)
    assert plan.solve.status.is_planned
    assert {row.evse_id for row in plan.schedule} == {
        e.evse_id for e in state_of(examples()[name]).to_domain().state.site.evses
    }


@pytest.mark.parametrize("name", sorted(examples()))
def test_every_profile_is_a_message_that_its_station_understands(client, name):
    plan = client.post("/v1/plans", json=examples()[name]).json()
    assert plan["profiles"]
    for profile in plan["profiles"]:
        validator = MessageValidator(OcppVersion("ocpp" + profile["ocpp_version"]))
        validator.check(profile["action"], MessageKind.REQUEST, profile["payload"])


def test_the_total_price_is_exactly_the_sum_of_its_parts(client):
    from decimal import Decimal

    for slot in client.post("/v1/plans", json=examples()["depot"]).json()["prices"]["slots"]:
        parts = [Decimal(value) for name, value in slot.items() if name not in ("start", "total_per_kwh")]
        assert sum(parts) == Decimal(slot["total_per_kwh"])


@given(state=site_states(max_stations=3), quantile=st.sampled_from([0.5, 0.9]))
def test_every_valid_state_gets_a_plan_within_its_limits(planner, state, quantile):
    request = StateWire.from_domain(state).model_copy().to_domain()
    decision = decide(planner, request)
    plan = PlanOut.from_domain(decision.plan, decision.request, decision.profiles)
    for slot, limit_kw in enumerate(plan.limit_kw):
        charging_kw = sum(row.power_kw[slot] for row in plan.schedule)
        if limit_kw is not None:
            assert charging_kw <= max(limit_kw - plan.load_kw[slot], 0.0) + 1e-6
    assert planner.n_live <= 3


def test_a_structure_that_was_planned_before_reuses_its_program(planner):
    request = state_of(examples()["depot"]).to_domain()
    decide(planner, request)
    again = decide(planner, request)
    assert again.plan.report.rebuild is None
    other = planner.plan(request.state, PlanOptions(load_quantile=0.5))
    assert other.report.rebuild == "first"


def test_a_state_that_cannot_be_planned_raises_all_its_faults_from_the_planner_too(planner):
    request = state_of(examples()["depot"]).to_domain()
    with pytest.raises(InvalidInputError, match="billing_peak_kw"):
        planner.plan(type(request.state)(**{**fields(request.state), "billing_peak_kw": -1.0}), PlanOptions())


def fields(record):
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def test_health_is_answered_while_plans_are_made():
    """Plans wait inside the planner, more than it has threads for, until health was answered."""
    answered, n_inside = threading.Event(), threading.Semaphore(0)

    class Waiting(Controller):
        def step(self, state):
            n_inside.release()
            assert answered.wait(30), "health was not answered while a plan was made"
            return super().step(state)

    async def scenario():
        app = create_app(Settings(), Planner(n_threads=1, controller=Waiting))
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://test") as client,
        ):
            plans = [
                asyncio.create_task(client.post("/v1/plans", json=examples()[name])) for name in examples()
            ]
            await asyncio.to_thread(n_inside.acquire)
            health = await client.get("/v1/health")
            answered.set()
            codes = [plan.status_code for plan in await asyncio.gather(*plans)]
        return health.json(), codes

    health, codes = asyncio.run(scenario())
    assert health["status"] == "ok"
    assert codes == [200] * len(examples())


def test_the_service_says_when_it_is_warm(client):
    import time

    for _ in range(200):
        if client.get("/v1/health").json()["ready"]:
            return
        time.sleep(0.1)
    pytest.fail("the service never became ready")


@SCHEMA.parametrize()
@settings(max_examples=4)
def test_the_description_holds_for_requests_drawn_from_it(case):
    case.call_and_validate(checks=[not_a_server_error, response_schema_conformance])
