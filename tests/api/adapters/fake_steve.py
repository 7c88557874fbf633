"""SteVe as far as the adapter sees it: its REST API over HTTP, its tables, and a station behind each charge box.

After the controllers TransactionsRestController and OcppOperationsController, the form of OcppOperationResponse,
the schema of its migrations and the mapping of a stored profile to OCPP (ChargingProfileDetailsMapper), as they
stand in the public repository steve-community/steve in 2026.
"""

import base64
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import sqlalchemy as sa

from api.ocpp.capabilities import OcppVersion
from api.ocpp.validation import MessageKind, MessageValidator

USER, PASSWORD = "api", "secret of the api"
SCHEMA = """
CREATE TABLE charging_profile (
    charging_profile_pk INTEGER PRIMARY KEY AUTOINCREMENT, stack_level INT NOT NULL,
    charging_profile_purpose VARCHAR(255) NOT NULL, charging_profile_kind VARCHAR(255) NOT NULL,
    recurrency_kind VARCHAR(255), valid_from TIMESTAMP, valid_to TIMESTAMP, duration_in_seconds INT,
    start_schedule TIMESTAMP, charging_rate_unit VARCHAR(255) NOT NULL, min_charging_rate DECIMAL(15, 1),
    description VARCHAR(255), note TEXT
);
CREATE TABLE charging_schedule_period (
    charging_profile_pk INT NOT NULL, start_period_in_seconds INT NOT NULL, {limit} DECIMAL(15, 1) NOT NULL,
    number_phases INT, UNIQUE (charging_profile_pk, start_period_in_seconds)
);
CREATE TABLE connector_meter_value (
    connector_pk INT NOT NULL, transaction_pk INT, value_timestamp TIMESTAMP, value TEXT,
    reading_context VARCHAR(255), format VARCHAR(255), measurand VARCHAR(255), location VARCHAR(255),
    unit VARCHAR(255), phase VARCHAR(255)
)
"""


class FakeSteve:
    """What it is told, and what its stations got: OCPP 1.6 requests that passed the protocol's schema."""

    def __init__(self, database_url, limit_column="power_limit"):
        self.engine = sa.create_engine(database_url)
        self.limit_column = limit_column
        self.transactions = []
        self.refusing = set()
        self.sent = []
        self.url = ""
        with self.engine.begin() as connection:
            for statement in SCHEMA.format(limit=limit_column).split(";"):
                connection.execute(sa.text(statement))

    def meter(self, transaction_pk, moment, value, unit="Wh", measurand=None, phase=None):
        with self.engine.begin() as connection:
            connection.execute(
                sa.text(
                    "INSERT INTO connector_meter_value (connector_pk, transaction_pk, value_timestamp, value,"
                    " measurand, unit, phase) VALUES (1, :pk, :moment, :value, :measurand, :unit, :phase)"
                ),
                {
                    "pk": transaction_pk,
                    "moment": moment.replace(tzinfo=None),
                    "value": str(value),
                    "measurand": measurand,
                    "unit": unit,
                    "phase": phase,
                },
            )

    def set_charging_profile(self, body):
        """Send a stored profile to its station; the answer has the form of OcppOperationResponse."""
        (box,) = body["chargeBoxIdList"]
        request = self.request_of(body)
        MessageValidator(OcppVersion.V16).check("SetChargingProfile", MessageKind.REQUEST, request)
        fault = [{"chargeBoxId": box, "exceptionMessage": "station is not connected"}]
        answer = {
            "taskId": len(self.sent),
            "taskFinished": True,
            "successResponses": [],
            "errorResponses": [],
        }
        if box in self.refusing:
            return answer | {"exceptions": fault}
        self.sent.append((box, request))
        return answer | {
            "successResponses": [{"chargeBoxId": box, "response": "ACCEPTED"}],
            "exceptions": [],
        }

    def request_of(self, body):
        pk = {"pk": body["chargingProfilePk"]}
        with self.engine.begin() as connection:
            rows = sa.text("SELECT * FROM charging_profile WHERE charging_profile_pk = :pk")
            profile = connection.execute(rows, pk).mappings().one()
            rows = sa.text(
                "SELECT * FROM charging_schedule_period WHERE charging_profile_pk = :pk"
                " ORDER BY start_period_in_seconds"
            )
            periods = connection.execute(rows, pk).mappings().all()
        schedule = {
            "duration": profile["duration_in_seconds"],
            "startSchedule": f"{profile['start_schedule'].split('.')[0].replace(' ', 'T')}Z",
            "chargingRateUnit": profile["charging_rate_unit"],
            "minChargingRate": profile["min_charging_rate"],
            "chargingSchedulePeriod": [
                {
                    "startPeriod": period["start_period_in_seconds"],
                    "limit": float(period[self.limit_column]),
                    "numberPhases": period["number_phases"],
                }
                for period in periods
            ],
        }
        told = {
            "chargingProfileId": profile["charging_profile_pk"],
            "transactionId": body.get("transactionId"),
            "stackLevel": profile["stack_level"],
            "chargingProfilePurpose": profile["charging_profile_purpose"],
            "chargingProfileKind": profile["charging_profile_kind"],
            "chargingSchedule": without_nulls(schedule),
        }
        return {"connectorId": body["connectorId"], "csChargingProfiles": without_nulls(told)}


def without_nulls(record):
    return {name: value for name, value in record.items() if value is not None}


@contextmanager
def fake_steve(database_url, limit_column="power_limit"):
    """Serve SteVe on a free port of this machine."""
    steve = FakeSteve(database_url, limit_column)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.respond(lambda: steve.transactions, "/steve/api/v1/transactions?type=ACTIVE")

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.respond(
                lambda: steve.set_charging_profile(body), "/steve/api/v1/operations/SetChargingProfile"
            )

        def respond(self, answer, path):
            expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            status = 404 if self.path != path else 401 if self.headers["Authorization"] != expected else 200
            content = json.dumps(answer() if status == 200 else {"status": status}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    steve.url = f"http://127.0.0.1:{server.server_port}/steve"
    try:
        yield steve
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        steve.engine.dispose()
