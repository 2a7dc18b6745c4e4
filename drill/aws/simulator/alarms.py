"""CloudWatch alarms, looked at when a test says so: each period for itself, and what is missing as the alarm treats it.

AWS: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html; an alarm acts when its
state changes, not as long as it lasts
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-actions.html). By themselves alarms stay as they
are here: every test would else be told of a world that another one has left.
"""

from __future__ import annotations

import time
from typing import Any

from ministack.core.responses import get_account_id, request_scope
from ministack.services import cloudwatch

from drill.aws.simulator.state import door

_MISSING = {"breaching": True, "notBreaching": False}
_COMPARED = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}


def mend() -> None:
    """Let nothing but the door look at alarms."""
    cloudwatch._evaluate_alarm = lambda _: None


@door("alarms/look")
def look(region: str) -> None:
    """Give every alarm of a Region the state that its metric has now, and let it act if that is another one."""
    with request_scope(get_account_id(), region):
        for alarm in cloudwatch._alarms.values():
            before, now = alarm["StateValue"], _state(alarm)
            if before == now:
                continue
            reason = f"{alarm['MetricName']} in the last {alarm['EvaluationPeriods']} periods"
            alarm.update(StateValue=now, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
            cloudwatch._record_history(alarm["AlarmName"], before, now, reason)
            cloudwatch._dispatch_alarm_actions(alarm, before, now, reason)


def _state(alarm: dict[str, Any]) -> str:
    breaching = [_is_breaching(alarm, number) for number in range(alarm["EvaluationPeriods"])]
    known = [one for one in breaching if one is not None]
    if not known:
        return str(alarm["StateValue"] if alarm.get("TreatMissingData") == "ignore" else "INSUFFICIENT_DATA")
    enough = alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"]
    return "ALARM" if sum(known) >= enough else "OK"


def _is_breaching(alarm: dict[str, Any], number: int) -> bool | None:
    """Whether the newest period but so many is on the wrong side; None where nobody knows."""
    end = time.time() - number * alarm["Period"]
    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(alarm.get("Dimensions", [])))
    known = cloudwatch._metrics.get((alarm["Namespace"], alarm["MetricName"], dimensions)) or []
    points = [point for point in known if end - alarm["Period"] < point["Timestamp"] <= end]
    if not points:
        return _MISSING.get(alarm.get("TreatMissingData", "missing"))
    value = cloudwatch._calc_stats(points)[alarm["Statistic"]]
    return bool(_COMPARED[alarm["ComparisonOperator"]](value, alarm["Threshold"]))
