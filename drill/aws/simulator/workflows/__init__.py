"""Step Functions: the states of an execution are walked here; reading paths and JSONata stays ministack's."""

from __future__ import annotations

from drill.aws.simulator.workflows import definition, executions, paths, redrive, tokens


def mend() -> None:
    """Replace what ministack's Step Functions does otherwise than AWS."""
    for module in (paths, tokens, definition, executions, redrive):
        module.mend()
