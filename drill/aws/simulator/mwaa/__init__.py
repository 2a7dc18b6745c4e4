"""Amazon MWAA: environments that take their time, a web server behind them, the errors of the service model."""

from __future__ import annotations

from drill.aws.simulator.mwaa import api


def mend() -> None:
    """Replace ministack's stub."""
    api.mend()
