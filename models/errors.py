"""The errors of the engine: facts first, the message follows from them."""

from dataclasses import dataclass, field


class ChargingError(Exception):
    """Root of every error that the engine raises on purpose."""


@dataclass(frozen=True, slots=True)
class Issue:
    """One fault in the caller's data: ``where`` is a path in the input, ``what`` says what is wrong."""

    where: str
    what: str


class InvalidInputError(ChargingError):
    """The caller's data cannot be used; carries every issue, not the first one."""

    def __init__(self, issues: tuple[Issue, ...]) -> None:
        super().__init__("; ".join(f"{issue.where}: {issue.what}" for issue in issues))
        self.issues = issues


class GridMismatchError(ChargingError):
    """Two arrays or records that must share a time grid or a shape do not."""


@dataclass(slots=True)
class IssueList:
    """Collects faults while data are looked at, and raises once in the end."""

    issues: list[Issue] = field(default_factory=list)

    def add(self, where: str, what: str) -> None:
        """Note one fault."""
        self.issues.append(Issue(where, what))

    def require(self, holds: bool, where: str, what: str) -> bool:  # noqa: FBT001 - the condition is the subject
        """Note a fault unless the condition holds; returns the condition."""
        if not holds:
            self.add(where, what)
        return holds

    def raise_if_any(self) -> None:
        """Raise one error that names every fault.

        Raises
        ------
        InvalidInputError
            At least one fault was noted.
        """
        if self.issues:
            raise InvalidInputError(tuple(self.issues))
