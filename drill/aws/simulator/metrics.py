"""CloudWatch: metrics that a test may forget; AWS keeps them for months."""

from __future__ import annotations

from ministack.services import cloudwatch

from drill.aws.simulator.state import door


@door("metrics/forget")
def forget() -> None:
    """No metric has ever arrived; alarms stay as they are."""
    cloudwatch._metrics.clear()


def mend() -> None:
    """Nothing: the door is enough."""
