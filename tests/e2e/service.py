"""`gridpilot serve` as a process of its own, which can be killed and started again at the same place."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

PATIENCE_S = 120.0
ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Service:
    """A process that serves; its ports and its database stay the same."""

    def __init__(self, database_url: str, log: Path, **settings: str) -> None:
        self.port, self.ocpp_port = free_port(), free_port()
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._environment = os.environ | {
            "GRIDPILOT_DATABASE_URL": database_url,
            "GRIDPILOT_API_PORT": str(self.port),
            "GRIDPILOT_OCPP_PORT": str(self.ocpp_port),
            "GRIDPILOT_OCPP_MINIMUM_PROFILE": "0",
            **settings,
        }

    @property
    def ocpp_url(self) -> str:
        return f"ws://127.0.0.1:{self.ocpp_port}/ocpp"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start, and wait until plans can be made."""
        self._process = self._begun()
        await self.until("/v1/health", lambda said: said["ready"])

    def _begun(self) -> "subprocess.Popen[bytes]":
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "api.cli", "serve"]
            return subprocess.Popen(command, cwd=ROOT, env=self._environment, stdout=log, stderr=log)

    async def kill(self) -> None:
        """End it as a power cut does."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> bool:
        """End it as an operator does; tell whether it had the time to put everything away."""
        await self._end(signal.SIGTERM)
        return "Application shutdown complete" in self._log.read_text(errors="replace")

    async def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(how)
            await asyncio.to_thread(process.wait, PATIENCE_S)

    async def ask(self, path: str, body: Any = None, method: str = "") -> Any:
        """Return what a path answers; a body is posted unless another method is named."""
        return await asyncio.to_thread(self._ask, path, body, method or ("GET" if body is None else "POST"))

    def _ask(self, path: str, body: Any, method: str) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, method=method)  # noqa: S310 - this machine
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
            text = answer.read()
        return json.loads(text) if text else None

    async def until(self, path: str, holds: Any) -> Any:
        """Wait until what a path answers is as it should be, and return it."""
        said: Any = None
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    try:
                        said = await self.ask(path)
                        if holds(said):
                            return said
                    except (urllib.error.URLError, ConnectionError) as error:
                        said = str(error)
                    await asyncio.sleep(0.1)
        except TimeoutError:
            log = self._log.read_text(errors="replace")[-3000:]
            raise AssertionError(f"{path} never came to that: {str(said)[:2000]}\n{log}") from None
