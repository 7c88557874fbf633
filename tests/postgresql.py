"""A PostgreSQL server of the tests' own: made in a temporary folder, reached by a socket in it, thrown away after."""

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

PATIENCE_S = 60


class Server:
    """A running server whose socket lies in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()

    def new_url(self) -> str:
        """Make an empty database; return its URL as an operator would write it."""
        name = f"test_{next(self._numbers)}"
        engine = sa.create_engine(self._url("postgresql+psycopg", "postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine.dispose()
        return self._url("postgresql", name)

    def _url(self, driver: str, name: str) -> str:
        return f"{driver}://gridpilot@/{name}?host={self._folder}"


@contextmanager
def server() -> Iterator[Server]:
    """Make a cluster, start it, and remove it in the end."""
    programs = _programs()
    # Not pytest's folder: another user could not enter it, and the path of a socket has 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="gridpilot-pg-"))
    data, control = folder / "data", str(programs / "pg_ctl")
    as_user = _as_user(folder)
    try:
        _run(
            *as_user,
            str(programs / "initdb"),
            "-D",
            str(data),
            "-U",
            "gridpilot",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "-N",
        )
        options = f"-F -k {folder} -c listen_addresses=''"
        _run(*as_user, control, "start", "-w", "-D", str(data), "-l", str(folder / "log"), "-o", options)
        try:
            yield Server(folder)
        finally:
            _run(*as_user, control, "stop", "-w", "-D", str(data), "-m", "immediate")
    finally:
        shutil.rmtree(folder)


def _programs() -> Path:
    """Return the folder of the newest server; skip where none is installed, which in CI is a failure."""
    found = shutil.which("initdb")
    # Debian keeps them out of the path.
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found is not None:
        return Path(found).resolve().parent
    if installed:
        return installed[-1].parent
    why = "no PostgreSQL server is installed (apt-get install postgresql)"
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


def _as_user(folder: Path) -> list[str]:
    """Return what to put before a command: the server refuses to run as root."""
    if os.getuid() != 0:
        return []
    user = pwd.getpwnam("postgres")  # made by every package of the server
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ["runuser", "-u", user.pw_name, "--"]


def _run(*command: str) -> None:
    # To a file, not a pipe: the server inherits what pg_ctl writes to, and a pipe would end only with it.
    with tempfile.TemporaryFile("w+") as told:
        done = subprocess.run(
            command,
            stdout=told,
            stderr=told,
            cwd="/",
            timeout=PATIENCE_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        told.seek(0)
        assert done.returncode == 0, f"{' '.join(command)}: {told.read()}"
