"""Service Quotas, which ministack does not have: those of MWAA.

AWS: https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/ and
https://docs.aws.amazon.com/mwaa/latest/userguide/mwaa-quotas.html (10 environments per account and Region).
"""

from __future__ import annotations

import json
from typing import Any

from ministack import app
from ministack.core.responses import error_response_json, get_account_id, get_region, json_response

from drill.aws.simulator.state import door, on_reset

Answer = tuple[int, dict[str, str], bytes]

ENVIRONMENTS = "L-67D41C6B"
DEFAULTS = {
    ENVIRONMENTS: ("Environments per account per Region", 10.0),
    "L-78AC1883": ("Workers per environment", 25.0),
}
_values: dict[tuple[str, str], float] = {}  # Region and code
on_reset(_values.clear)


def mend() -> None:
    """Answer for the service."""
    app.SERVICE_HANDLERS["servicequotas"] = handle


async def handle(_method: str, _path: str, headers: dict[str, str], body: bytes, _query: Any) -> Answer:
    """Answer one request."""
    action = headers.get("x-amz-target", "").rpartition(".")[2]
    asked = json.loads(body or b"{}")
    if asked.get("ServiceCode") != "airflow":
        return _missing(f"this simulator has no quotas of {asked.get('ServiceCode')}")
    if action in ("ListServiceQuotas", "ListAWSDefaultServiceQuotas"):
        return _json({"Quotas": [_quota(code) for code in DEFAULTS]})
    if asked.get("QuotaCode") not in DEFAULTS:
        return _missing(f"there is no quota {asked.get('QuotaCode')}")
    return _json({"Quota": _quota(asked["QuotaCode"])})


def _quota(code: str) -> dict[str, Any]:
    name, value = DEFAULTS[code]
    return {
        "ServiceCode": "airflow",
        "ServiceName": "Amazon Managed Workflows for Apache Airflow",
        "QuotaArn": f"arn:aws:servicequotas:{get_region()}:{get_account_id()}:airflow/{code}",
        "QuotaCode": code,
        "QuotaName": name,
        "Value": _values.get((get_region(), code), value),
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
    }


def environments_allowed() -> int:
    """How many environments the request's Region may hold."""
    return int(_quota(ENVIRONMENTS)["Value"])


def _json(body: dict[str, Any]) -> Answer:
    return json_response(body, status=200)  # type: ignore[no-any-return]


def _missing(message: str) -> Answer:
    return error_response_json("NoSuchResourceException", message, 400)  # type: ignore[no-any-return]


@door("quotas/set")
def change(region: str, code: str, value: float) -> None:
    """Grant or take away."""
    _values[region, code] = value
