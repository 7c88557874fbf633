"""``POST /v1/plans`` over a real socket: how long a CSMS waits for profiles, and whether others wait with it."""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.registry import BenchmarkContext, BenchmarkReport, BenchmarkSpec, Environment

if TYPE_CHECKING:
    import uvicorn

N_SLOTS: Final = 96
SIZES: Final = (20, 100, 300, 1000)
N_TICKS: Final = 60
LARGE_TICKS: Final = 12
LARGE: Final = 500
OK: Final = 200
PLANNED: Final = (b'"status":"proved"', b'"status":"feasible"')
MS: Final = 1e3
TIMEOUT_S: Final = 120.0
DEADLINE_S: Final = 30.0
HEALTH_EVERY_S: Final = 0.02
COLUMNS: Final = (
    "EVSEs",
    "state [kB]",
    "answer [kB]",
    "first [ms]",
    "p50 [ms]",
    "p95 [ms]",
    "planned [%]",
    "health p95 meanwhile [ms]",
)


def measure_posts(context: BenchmarkContext) -> BenchmarkReport:
    """Post the states of a moving day, one after the other, and ask for the service's health all the while."""
    sizes, n_ticks = ((20,), 4) if context.smoke else (SIZES, N_TICKS)
    rows = []
    for n_evses in sizes:
        context.say(f"{n_evses} EVSEs x {N_SLOTS} slots")
        rows.append(
            _posted(n_evses, min(n_ticks, LARGE_TICKS) if n_evses >= LARGE else n_ticks, context.seed)
        )
    return BenchmarkReport(
        title="POST /v1/plans, 96 slots of 15 min, state in, plan with prices and OCPP profiles out",
        columns=COLUMNS,
        rows=tuple(rows),
        notes=(
            "uvicorn and the client share one process and its machine; JSON both ways; one caller at a time.",
            "first: the program is stated and compiled; after that the site's live program is moved.",
            "60 states of a moving day, 12 at 1,000 EVSEs; only cars that are plugged in are in a state.",
            "health: GET /v1/health every 20 ms while plans are made.",
        ),
        environment=Environment.here(context.seed),
    )


def _posted(n_evses: int, n_ticks: int, seed: int) -> tuple[int | float, ...]:
    bodies = _bodies(n_evses, n_ticks, seed)
    with _served() as port, _health_asked(port) as health_s:
        took_s, sizes, planned = zip(*(_post(port, body) for body in bodies), strict=True)
    return (
        n_evses,
        float(np.mean([len(body) for body in bodies])) / 1e3,
        float(np.mean(sizes)) / 1e3,
        MS * took_s[0],
        MS * float(np.median(took_s[1:])),
        MS * float(np.percentile(took_s[1:], 95)),
        100.0 * float(np.mean(planned)),
        MS * float(np.percentile(health_s, 95)),
    )


def _bodies(n_evses: int, n_ticks: int, seed: int) -> list[bytes]:
    """Return the states as JSON; a car is taken to charge evenly over its stay."""
    from dataclasses import replace

    from api.planning.schemas import OptionsWire, StateWire
    from benchmarks.moving_day import MovingDay

    day = MovingDay.drawn(n_evses, N_SLOTS, n_ticks, seed)
    bodies = []
    for tick in range(n_ticks):
        state = day.state(tick)
        here = []
        for session in state.sessions:
            share = (state.now - session.arrival) / (session.departure.median - session.arrival)
            here.append(replace(session, delivered_kwh=session.target_kwh * share))
        wire = StateWire.from_domain(replace(state, sessions=tuple(here)))
        patient = wire.model_copy(update={"options": OptionsWire(deadline_s=DEADLINE_S)})
        bodies.append(patient.model_dump_json().encode())
    return bodies


def _post(port: int, body: bytes) -> tuple[float, int, bool]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    started = time.perf_counter()
    connection.request("POST", "/v1/plans", body, {"content-type": "application/json"})
    response = connection.getresponse()
    answer = response.read()
    took_s = time.perf_counter() - started
    connection.close()
    if response.status != OK:
        raise RuntimeError(f"the service answered {response.status}: {answer[:500]!r}")
    return took_s, len(answer), any(word in answer for word in PLANNED)


@contextmanager
def _served() -> Iterator[int]:
    """Run the service on a free port of this machine; gives the port once its kernels are warm."""
    import uvicorn

    from api.app import create_app

    server = uvicorn.Server(uvicorn.Config(create_app(), host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield _ready_port(server)
    finally:
        server.should_exit = True
        thread.join(TIMEOUT_S)


def _ready_port(server: "uvicorn.Server") -> int:
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        if server.started:
            port = int(server.servers[0].sockets[0].getsockname()[1])
            if b'"ready":true' in _get_health(port):
                return port
        time.sleep(0.05)
    raise RuntimeError("the service did not start")


def _get_health(port: int) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    connection.request("GET", "/v1/health")
    body = connection.getresponse().read()
    connection.close()
    return body


@contextmanager
def _health_asked(port: int) -> Iterator[list[float]]:
    """Ask for the service's health again and again; gives how long each answer took [s]."""
    took_s: list[float] = []
    over = threading.Event()

    def ask() -> None:
        while not over.wait(HEALTH_EVERY_S):
            started = time.perf_counter()
            _get_health(port)
            took_s.append(time.perf_counter() - started)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield took_s
    finally:
        over.set()
        thread.join(TIMEOUT_S)


BENCHMARK: Final = BenchmarkSpec(
    name="post_plans",
    summary="Time of POST /v1/plans over a socket, and of a health check meanwhile.",
    needs_data=False,
    run=measure_posts,
)
