"""On a shell: `gridpilot stations` against a running service."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from typer.testing import CliRunner

from api.cli import app
from api.stations.state.schemas import EvseOut, StationDetailOut

STATION: dict[str, Any] = {
    "station_id": "A [red]",
    "site_id": "workplace",
    "online": True,
    "version": "ocpp1.6",
    "model": "M",
    "open_transactions": 1,
    "conduct": "not_following",
    "connectors": [{"evse": 1, "connector": 1, "status": "Charging", "error_code": None, "at": "now"}],
}
DETAIL: dict[str, Any] = STATION | {
    "evses": [{"evse": 1, "limit_a": 16.0, "metered_kw": 11.0}],
    "transactions": [],
    "installed_profiles": [{}],
    "capabilities": {"max_periods": 24},
    "oddities": {"malformed frame": 2},
}
PROBLEM = {"detail": "the input has 1 fault", "errors": [{"path": "type", "detail": "is missing"}]}
EVENT = {"id": 1, "at": "12:00", "kind": "station.booted", "station_id": "A", "data": {"model": "M"}}


class Answers(BaseHTTPRequestHandler):
    """A service that has written answers."""

    asked: ClassVar[list[tuple[str, str, bytes, dict[str, str]]]]

    def do_GET(self):
        self.answer("GET", b"")

    def do_POST(self):
        self.answer("POST", self.rfile.read(int(self.headers["Content-Length"])))

    def answer(self, method, body):
        self.asked.append(
            (method, self.path, body, {name.lower(): value for name, value in self.headers.items()})
        )
        path = self.path.split("?")[0]
        if path == "/v1/events":
            text = f"retry: 1\n\nid: 1\nevent: x\ndata: {json.dumps(EVENT)}\n\n".encode()
            self.send(200, text)
        elif path == "/v1/stations":
            is_first = "after=&" in self.path
            page = {"stations": [STATION if is_first else STATION | {"station_id": "B"}]}
            self.send(200, page | {"next": "A" if is_first else None})
        elif path.endswith("/commands/Reset"):
            self.send(
                422 if body == b"{}" else 200,
                PROBLEM if body == b"{}" else {"answer": {"status": "Accepted"}},
            )
        elif path.endswith("/commands"):
            self.send(200, {"version": "ocpp1.6", "commands": ["ClearCache", "Reset"]})
        elif path.endswith("/messages"):
            told = {"at": "12:00", "direction": "in", "action": None, "frame": "[3,1,{}]"}
            self.send(200, {"messages": [told]})
        else:
            self.send(200, DETAIL)

    def send(self, status, answer):
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def service():
    class Handler(Answers):
        asked: ClassVar[list[tuple[str, str, bytes, dict[str, str]]]] = []

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", Handler.asked
        server.shutdown()


def said(*words, code=0):
    with service() as (url, asked):
        outcome = CliRunner().invoke(app, ["stations", *words, "--url", url], env={"COLUMNS": "200"})
        assert outcome.exit_code == code, outcome.output
        return outcome.output, asked


def test_all_pages_of_stations_are_listed():
    output, asked = said("list", "--online", "--status", "Charging")
    assert "A [red]" in output
    assert "B" in output
    assert "1:Charging" in output
    assert [path.split("?")[1] for _, path, _, _ in asked] == [
        "online=true&status=Charging&after=&limit=500",
        "online=true&status=Charging&after=A&limit=500",
    ]
    output, _ = said("list", "--json")
    assert [one["station_id"] for one in json.loads(output)] == ["A [red]", "B"]


def test_a_station_is_shown():
    output, asked = said("show", "A/B")
    assert asked[0][1] == "/v1/stations/A%2FB"
    for word in ("not_following", "max periods", "malformed frame", "16", "Charging"):
        assert word in output
    output, _ = said("show", "A", "--json")
    assert json.loads(output) == DETAIL


def test_a_command_is_sent_and_its_answer_printed():
    output, asked = said(
        "send", "A", "Reset", '{"type":"Soft"}', "--queue", "--key", "k", "--approvals", "a,b"
    )
    assert json.loads(output) == {"answer": {"status": "Accepted"}}
    [(method, path, body, headers)] = asked
    assert (method, path, body) == ("POST", "/v1/stations/A/commands/Reset?queue=true", b'{"type":"Soft"}')
    assert (headers["idempotency-key"], headers["x-approvals"]) == ("k", "a,b")


def test_what_a_service_objects_to_is_told_fault_by_fault():
    output, _ = said("send", "A", "Reset", code=1)
    assert "422 the input has 1 fault" in output
    assert "type: is missing" in output


def test_what_can_be_sent_is_listed():
    output, _ = said("send", "A")
    assert "ClearCache, Reset" in output


def test_messages_and_events_are_printed_as_they_came():
    output, _ = said("messages", "A", "--action", "Heartbeat")
    assert "[3,1,{}]" in output
    output, asked = said("events", "--kind", "station.", "--station", "A")
    assert "station.booted A" in output
    assert asked[0][1] == "/v1/events?kind=station.&station=A"


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "file:///etc/passwd"])
def test_where_no_service_is_one_line_says_so(url):
    outcome = CliRunner().invoke(app, ["stations", "list", "--url", url])
    assert outcome.exit_code == 1
    assert url in outcome.output
    assert "Traceback" not in outcome.output


def test_the_fields_that_the_shell_reads_are_those_of_the_api():
    assert set(DETAIL) <= set(StationDetailOut.model_fields)
    assert set(DETAIL["evses"][0]) <= set(EvseOut.model_fields)
