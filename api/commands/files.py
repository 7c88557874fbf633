"""Files that a user names: read with one clear error, never with a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.markup import escape
from typer import Exit

from models.errors import ChargingError, InvalidInputError

if TYPE_CHECKING:
    from api.planning.schemas import StateWire

BAD_INPUT: Final = 2
"""Exit code of a command whose input cannot be used."""

LARGEST_BYTES: Final = 200_000_000


def read_bytes(path: Path) -> bytes:
    """Return a file's content.

    Raises
    ------
    ChargingError
        It cannot be read, or is too long to be meant.
    """
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise ChargingError(f"{path} is longer than {LARGEST_BYTES} bytes")
        return path.read_bytes()
    except OSError as error:
        raise ChargingError(f"{path}: {error.strerror or error}") from error


def read_state(path: Path) -> "StateWire":
    """Return the state in a file.

    Raises
    ------
    ChargingError
        The file cannot be read.
    InvalidInputError
        It is no state; names every fault with its path in the document.
    """
    from api.planning.schemas import StateWire
    from api.wire.schemas import parsed

    return parsed(StateWire, read_bytes(path))


def write_text(path: Path, text: str) -> None:
    """Write a file.

    Raises
    ------
    ChargingError
        It cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ChargingError(f"{path}: {error.strerror or error}") from error


@contextmanager
def faults_told(what: str) -> Iterator[None]:
    """Tell every fault of the input on the error stream and exit with code 2; other errors pass."""
    try:
        yield
    except InvalidInputError as error:
        console = Console(stderr=True, soft_wrap=True)
        n_faults = len(error.issues)
        console.print(f"[red bold]{escape(what)} has {n_faults} fault{'s' if n_faults > 1 else ''}:[/]")
        for issue in error.issues:
            console.print(f"  [bold]{escape(issue.where or '(document)')}[/]  {escape(issue.what)}")
        raise Exit(BAD_INPUT) from error
    except ChargingError as error:
        Console(stderr=True, soft_wrap=True).print(f"[red bold]{escape(str(error))}[/]")
        raise Exit(BAD_INPUT) from error
