"""Orders to a process and its answers: one line of JSON each, over its standard input and output."""

import asyncio
import json
import resource
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

Record: TypeAlias = dict[str, Any]
Obey: TypeAlias = Callable[[str, Record], Awaitable[Record]]
_QUIT: Final = "quit"


class ChildFailedError(RuntimeError):
    """The process has ended, or could not do what it was asked."""


@dataclass(slots=True)
class Child:
    """A Python module that runs in a process of its own.

    Parameters
    ----------
    module : str
    arguments : tuple of str
    """

    module: str
    arguments: tuple[str, ...] = ()
    process: "subprocess.Popen[str] | None" = None

    def start(self) -> Record:
        """Start it, and return what it says when it is ready."""
        command = [sys.executable, "-m", self.module, *self.arguments]
        self.process = subprocess.Popen(  # noqa: S603 - our own module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self._answer()

    def ask(self, order: str, **details: Any) -> Record:  # noqa: ANN401 - of the order
        """Let it do something, and return what came of it."""
        self.tell(order, **details)
        return self._answer()

    def tell(self, order: str, **details: Any) -> None:  # noqa: ANN401 - of the order
        """Let it do something; :meth:`hear` returns what came of it."""
        stdin = self._running().stdin
        if stdin is not None:
            stdin.write(json.dumps({"order": order} | details) + "\n")
            stdin.flush()

    def hear(self) -> Record:
        """Return what came of the oldest order that was told."""
        return self._answer()

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        process = self._running()
        process.kill()
        self._close(process)

    def quit(self) -> None:
        """Let it end."""
        if self.process is None or self.process.poll() is not None:
            return
        self.tell(_QUIT)
        self._close(self.process)

    def _close(self, process: "subprocess.Popen[str]") -> None:
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def _running(self) -> "subprocess.Popen[str]":
        if self.process is None:
            raise ChildFailedError(f"{self.module} was not started")
        return self.process

    def _answer(self) -> Record:
        stdout = self._running().stdout
        line = stdout.readline() if stdout is not None else ""
        if not line:
            raise ChildFailedError(f"{self.module} has ended")
        answer: Record = json.loads(line)
        if "failed" in answer:
            raise ChildFailedError(f"{self.module}: {answer['failed']}")
        return answer


async def obey(do: Obey, ready: Record) -> None:
    """Say that we are ready, then do what is asked until the end."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    _say(ready)
    while line := await reader.readline():
        order: Record = json.loads(line)
        name = order.pop("order")
        if name == _QUIT:
            return
        try:
            answer = await do(name, order)
        except Exception as error:  # noqa: BLE001 - whoever asked is told
            answer = {"failed": repr(error)}
        _say(answer)


def raise_file_limit() -> int:
    """Allow as many open files as may be, and return how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def _say(answer: Record) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
