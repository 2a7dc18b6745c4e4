"""CloudWatch: GetMetricData answers the newest value first.

AWS: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html (ScanBy: the default is
TimestampDescending).
"""

from __future__ import annotations

import json
import time
from typing import Any

from ministack.core.responses import json_response
from ministack.services import cloudwatch

from drill.aws.simulator.state import door


@door("metrics/forget")
def forget() -> None:
    """No metric has ever arrived, which AWS forgets after months only; alarms stay as they are."""
    cloudwatch._metrics.clear()


def count(namespace: str, name: str, **dimensions: str) -> None:
    """A service notes one more of something, in the Region of the request."""
    cloudwatch._store_datum(namespace, name, dimensions, time.time(), "Count", 1, None, None, None)


def mend() -> None:
    """Turn the results round."""
    handle = cloudwatch.handle_request

    async def handle_newest_first(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Any:
        status, answered, answer = await handle(method, path, headers, body, query)
        is_data = headers.get("x-amz-target", "").endswith(".GetMetricData")
        if not is_data or status != 200 or json.loads(body).get("ScanBy") == "TimestampAscending":
            return status, answered, answer
        found = json.loads(answer)
        for result in found["MetricDataResults"]:
            result["Timestamps"], result["Values"] = result["Timestamps"][::-1], result["Values"][::-1]
        return json_response(found, status=200)

    cloudwatch.handle_request = handle_newest_first
