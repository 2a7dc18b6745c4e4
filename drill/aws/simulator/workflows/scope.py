"""On whose behalf a state runs: the account, the Region, and the role of its state machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from drill.aws.simulator import identity


@dataclass(frozen=True)
class Scope:
    """One execution's."""

    region: str
    role: str
    execution: str  # the execution's ARN

    def client(self, service: str) -> Any:
        """A botocore client that signs as the state machine's role, as AWS does."""
        return identity.client(service, self.region, self.role, self.execution.rsplit(":", 1)[-1])
