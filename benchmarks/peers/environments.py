"""Python environments of rival packages: made once in a folder, with the versions that a file here pins."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import benchmarks
import models
from benchmarks import peers
from models.errors import ChargingError

READY_FILE: Final = "gridpilot-ready"
INSTALL_TIMEOUT_S: Final = 1200.0
LAST_WORDS: Final = 200
LAST_ANSWER: Final = 120


class NoAnswerError(ChargingError):
    """A rival's process ended without an answer, or was too slow."""


class NoEnvironmentError(ChargingError):
    """A rival's packages cannot be had here; the benchmark goes on without it."""


def python_of(name: str, folder: Path, *, make: bool, say: Callable[[str], None]) -> Path:
    """Return the interpreter of a rival's environment.

    Parameters
    ----------
    name : str
        Of a list of packages in this folder, ``NAME.txt``.
    folder : pathlib.Path
        Holds the environments. One that is called just ``name`` is taken as it is; else one with the pinned
        versions is looked for.
    make : bool
        Whether to make it where there is none.
    say : callable
        Takes a line of progress.

    Raises
    ------
    NoEnvironmentError
        There is none, and it was not or could not be made.
    """
    folder = folder.expanduser()
    given = folder / name / "bin" / "python"
    if given.exists():
        return given
    pinned = Path(peers.__file__).with_name(f"{name}.txt")
    home = folder / f"{name}-{_digest(pinned)}"
    if not (home / READY_FILE).exists():
        if not make:
            raise NoEnvironmentError(f"no environment in {folder}")
        say(f"making {home} with the packages of {pinned.name}: a minute or two")
        _make(home, pinned)
    return home / "bin" / "python"


def write_sources(folder: Path) -> None:
    """Write what an environment without Gridpilot needs to run a rival: this folder's files and their arrays."""
    for package, pattern in ((models, "arrays.py"), (benchmarks, "__init__.py"), (peers, "*.py")):
        source = Path(package.__file__ or "").parent
        target = folder.joinpath(*package.__name__.split("."))
        target.mkdir(parents=True, exist_ok=True)
        for file in (source / "__init__.py", *source.glob(pattern)):
            shutil.copy(file, target)


def answer(command: list[str], home: Path, timeout_s: float) -> None:
    """Run a rival in a folder with its sources until it has answered, in files that it was told.

    Raises
    ------
    NoAnswerError
        It was too slow, or failed; says how it ended.
    """
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            command, cwd=home, capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired:
        raise NoAnswerError(f"no answer within {timeout_s:.0f} s") from None
    if done.returncode:
        words = done.stderr.strip().splitlines() or [f"ended with code {done.returncode}"]
        raise NoAnswerError(words[-1][:LAST_ANSWER])


def _make(home: Path, pinned: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)
    home.parent.mkdir(parents=True, exist_ok=True)
    pip = [str(home / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
    _run([sys.executable, "-m", "venv", str(home)])
    _run([*pip, "install", "--quiet", "--retries", "1", "-r", str(pinned)])
    (home / READY_FILE).touch()


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise NoEnvironmentError(f"{command[-1]}: not installed within {INSTALL_TIMEOUT_S:.0f} s") from None
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines() or ["no word"]
        raise NoEnvironmentError(f"its packages cannot be installed: {words[-1][:LAST_WORDS]}")


def _digest(pinned: Path) -> str:
    """Return a name for exactly these versions under exactly this interpreter."""
    text = f"{sys.version_info[:2]} {pinned.read_text(encoding='utf-8')}"
    return hashlib.sha256(text.encode()).hexdigest()[:10]
