"""Who reaches a private web server: what is in a VPC.

AWS: https://docs.aws.amazon.com/mwaa/latest/userguide/access-mwaa-apache-airflow-rest-api.html: InvokeRestApi for a
private web server cannot be called from outside of a VPC; Step Functions itself is outside.
"""

from __future__ import annotations

from typing import Any

from ministack.services import lambda_svc

from drill.aws.simulator import gateway


def reaches(environment: dict[str, Any]) -> bool:
    """Whether the caller of this request reaches an environment's web server; users are taken to be inside."""
    call = gateway.current_call()
    if environment["WebserverAccessMode"] != "PRIVATE_ONLY" or call is None or ":assumed-role/" not in call.caller:
        return True
    function = lambda_svc._functions.get(call.caller.rsplit("/", 1)[-1])
    return bool(function and (function["config"].get("VpcConfig") or {}).get("SubnetIds"))
