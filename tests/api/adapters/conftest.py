"""A real service on a free port of this machine: adapters talk to it as a CSMS would."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 120.0


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@pytest.fixture(scope="session")
def gridpilot(tmp_path_factory):
    """URL of `gridpilot serve`, once its kernels are warm."""
    folder = tmp_path_factory.mktemp("served")
    port, ocpp_port = free_port(), free_port()
    command = [sys.executable, "-m", "api.cli", "serve", "--port", str(port), "--ocpp-port", str(ocpp_port)]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--database", f"sqlite:///{folder / 'grid.sqlite'}"],
            cwd=ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process, folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def wait_until_ready(url, process, log):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/v1/health", timeout=5) as answer:  # noqa: S310 - our own
                if json.load(answer)["ready"]:
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"the service did not start: {log.read_text()[-2000:]}")
