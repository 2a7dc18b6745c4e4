"""Custom resource: a warning at deployment, when the heartbeat that the health check relies on was not seen."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from lib.functions import clock, notify
from lib.functions.aws import client, error_text
from lib.functions.cfn import Request, Result, serve
from lib.functions.health import heartbeat
from lib.functions.log import logger

SEEN = "none"
"""What the attribute says when there is nothing to warn of: CloudFormation takes no empty one."""

_log = logger(__name__)


def act(request: Request) -> Result:
    """Properties: Environment, Region (of the environment), Topic. The attribute `Warning` is told to the topic, too.

    It fails nothing: the secondary Region is deployed even while the primary one does not answer.
    """
    properties = request.properties
    physical_id = f"{properties['Environment']}.{properties['Region']}"
    if request.kind == "Delete":
        return Result(request.physical_id)
    warning = _warning(properties["Environment"], properties["Region"])
    if warning:
        _log.warning("no heartbeat was seen", extra={"environment": physical_id})
        notify.publish(properties["Topic"], f"No heartbeat of {properties['Environment']}", [warning])
    return Result(physical_id, {"Warning": warning or SEEN})


def _warning(environment: str, region: str) -> str:
    """What is wrong; empty: the heartbeat was seen."""
    hours = int(heartbeat.SEEN_WITHIN.total_seconds() / 3600)
    try:
        cloudwatch = client("cloudwatch", region)
        pulse = heartbeat.read(cloudwatch.get_metric_data(**heartbeat.query(environment, clock.now())))
    except (ClientError, BotoCoreError, heartbeat.IncompleteError) as error:
        return f"nobody can tell whether {environment} in {region} has a heartbeat: {error_text(error)}"
    if pulse.beats:
        return ""
    return (
        f"no SchedulerHeartbeat of {environment} in {region} was seen in {hours} hours: a failure of its scheduler "
        "would not be noticed. HINT: See metrics.statsd_on and the allow and block lists of its Airflow options."
    )


handler = serve(act)
