"""Names that are derived from the configuration, and the limits that AWS sets them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Derived:
    """A name that is made of one of a variable's and others."""

    what: str
    name: str
    longest: int

    def excess(self) -> Iterator[str]:
        """Say what is too long about it, if anything is."""
        if (length := len(self.name)) > self.longest:
            excess = length - self.longest
            yield f"{self.what} {self.name!r} would have {length} of {self.longest} characters, {excess} too many"


def backup_bucket(prefix: str, account: str, region: str) -> str:
    """A name that nobody else has, the same on every deployment, so that a retained bucket is found again.

    >>> backup_bucket("mwaa", "111222333444", "eu-west-1")
    'mwaa-backup-111222333444-eu-west-1'
    """
    return f"{prefix.lower()}-backup-{account}-{region}"


def bucket(name: str) -> Derived:
    """The limit of a bucket's name."""
    return Derived("the bucket", name, 63)


def stack(name: str) -> Derived:
    """The limit of a stack's name."""
    return Derived("the stack", name, 128)


def state_machine(name: str) -> Derived:
    """The limit of a state machine's name."""
    return Derived("the state machine", name, 80)
