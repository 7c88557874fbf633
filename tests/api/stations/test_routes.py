"""Sites that we run, over HTTP, as `gridpilot serve` serves them."""

import time

import pytest

from api.commands.serve import served
from api.examples import examples
from api.settings import Settings
from tests.serving import serving

SITE = {
    "site": examples()["workplace"]["site"],
    "tariff": {"energy_per_kwh": [0.2] * 12 + [0.4] * 12},
    "loads": [{"node_id": "grid", "power_kw": 5, "high_kw": [8] * 24}],
    "limits": [
        {
            "node_id": "grid",
            "source": "grid operator",
            "start": "2026-03-03T17:00:00+01:00",
            "end": "2026-03-03T19:00:00+01:00",
            "limit_kw": 10,
        }
    ],
}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    path = tmp_path_factory.mktemp("serve") / "serve.sqlite"
    with serving(served(Settings(database_url=f"sqlite:///{path}", ocpp_port=0))) as client:
        yield client


def test_a_site_that_is_put_is_planned(client):
    assert client.get("/v1/sites/workplace/plan").status_code == 404
    answer = client.put("/v1/sites/workplace", json=SITE)
    assert answer.status_code == 204, answer.text
    for _ in range(200):
        answer = client.get("/v1/sites/workplace/plan")
        if answer.status_code == 200:
            break
        time.sleep(0.05)
    assert answer.json()["site_id"] == "workplace"


def test_every_fault_of_a_site_is_told_with_its_path(client):
    site = SITE | {"tariff": {"energy_per_kwh": [0.2] * 23}, "colour": "green"}
    answer = client.put("/v1/sites/workplace", json=site)
    assert answer.status_code == 422
    assert {fault["path"] for fault in answer.json()["errors"]} == {"tariff.energy_per_kwh", "colour"}


def test_the_path_and_the_body_name_one_site(client):
    answer = client.put("/v1/sites/other", json=SITE)
    assert [fault["path"] for fault in answer.json()["errors"]] == ["site.site_id"]


def test_what_a_driver_says_is_checked(client):
    said = {"departure": "2026-03-03T17:00:00+01:00", "target_kwh": 20}
    assert client.put("/v1/declarations/anna", json=said).status_code == 204
    answer = client.put("/v1/declarations/anna", json=said | {"target_kwh": "20", "minimum_kwh": -1})
    assert {fault["path"] for fault in answer.json()["errors"]} == {"target_kwh", "minimum_kwh"}


def test_the_description_names_the_schemas_that_bodies_obey(client):
    description = client.get("/openapi.json").json()
    body = description["paths"]["/v1/sites/{site_id}"]["put"]["requestBody"]
    name = body["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[-1]
    assert name in description["components"]["schemas"]


def test_every_error_is_described_as_the_problem_that_it_is(client):
    paths = client.get("/openapi.json").json()["paths"]
    described = {
        (path, method): set(answer["content"])
        for path, methods in paths.items()
        for method, operation in methods.items()
        for status, answer in operation["responses"].items()
        if status.startswith("4")
    }
    assert described.keys() >= {("/v1/sites/{site_id}/plan", "get"), ("/v1/declarations/{id_token}", "put")}
    assert set().union(*described.values()) == {"application/problem+json"}
    assert "404" in paths["/v1/sites/{site_id}/plan"]["get"]["responses"]


def references(node):
    """Every place that a description refers to."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_the_description_refers_to_nothing_that_is_not_in_it(client):
    description = client.get("/openapi.json").json()
    names = {place.removeprefix("#/components/schemas/") for place in references(description)}
    assert names <= set(description["components"]["schemas"])


@pytest.mark.parametrize(
    "path",
    [
        "/v1/stations/A/messages?before=99999999999999999999",
        "/v1/stations/A/reports/99999999999999999999",
        "/v1/stations/A/meter-values?evse=-1",
        "/v1/events/recent?after=99999999999999999999",
        "/v1/stations?limit=100000",
        "/v1/stations/A/transactions?since=yesterday",
    ],
)
def test_a_parameter_that_makes_no_sense_is_a_fault_of_the_caller(client, path):
    assert client.get(path).status_code == 422


@pytest.mark.parametrize("name", ["%00", "%F0%9F%98%80", "a%2Fb", "%27%3B--", "x" * 255])
def test_a_station_of_any_name_is_unknown_and_no_failure(client, name):
    assert client.get(f"/v1/stations/{name}").status_code == 404
    assert client.post(f"/v1/stations/{name}/commands/Reset", json={}).status_code == 404
    assert client.post(f"/v1/stations/{name}/unlock", json={"evse": 1}).status_code == 404
