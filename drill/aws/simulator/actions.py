"""Which action on which resource a request is, where ministack's own tables have a gap.

AWS: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonmanagedworkflowsforapacheairflow.html,
.../list_servicequotas.html and .../list_amazons3.html (jobs).
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from ministack.core import iam_actions, iam_evaluator, router

AIRFLOW_ROLES = ("Admin", "Op", "User", "Viewer", "Public")
JOBS = "/v20180820/jobs"
_JOB_ACTIONS = {
    ("POST", ""): "CreateJob",
    ("GET", ""): "ListJobs",
    ("GET", "id"): "DescribeJob",
    ("POST", "status"): "UpdateJobStatus",
    ("POST", "priority"): "UpdateJobPriority",
}


def mend() -> None:
    """Fill the gaps, for what is enforced and for what is recorded."""
    resource_of = iam_actions.extract_resource_arn

    def resource_with_airflow(service: str, method: str, path: str, headers: dict[str, str], *rest: Any) -> str:
        if service == "airflow":
            _body, query, region, account = rest
            return _airflow(path, router.extract_access_key_id(headers, query), region, account)
        return str(resource_of(service, method, path, headers, *rest))

    iam_actions.extract_resource_arn = resource_with_airflow
    iam_actions.SERVICE_TO_IAM_NAMESPACE["servicequotas"] = "servicequotas"


def _airflow(path: str, key: str, region: str, account: str) -> str:
    prefix = f"arn:aws:airflow:{region}:{account}"
    tagged = re.fullmatch(r"/tags/(.+)", path)
    if tagged:
        return unquote(tagged[1])
    named = re.fullmatch(r"/(environments|clitoken|webtoken|restapi)/([^/]+)/?", path)
    if not named:
        return "*"
    kind, name = named[1], unquote(named[2])
    if kind in ("environments", "clitoken"):
        return f"{prefix}:environment/{name}"
    action = "airflow:InvokeRestApi" if kind == "restapi" else "airflow:CreateWebLoginToken"
    roles = [f"{prefix}:role/{name}/{role}" for role in AIRFLOW_ROLES]
    return next((role for role in roles if _is_allowed(key, action, region, role)), roles[0])


def _is_allowed(key: str, action: str, region: str, resource: str) -> bool:
    """The caller acts as the first Airflow role that its policies name."""
    return iam_evaluator.enforce(key, action, "airflow", region, resource_arn=resource) is None


def of_job(method: str, path: str, region: str, account: str) -> tuple[str, str]:
    """The action and resource of a request to S3 Batch Operations."""
    match = re.fullmatch(rf"{JOBS}(?:/([^/]+)(?:/(status|priority))?)?", path)
    if not match:
        return "", ""
    job, part = match.groups()
    action = _JOB_ACTIONS.get((method, part or ("id" if job else "")), "")
    return f"s3:{action}", f"arn:aws:s3:{region}:{account}:job/{job}" if job else "*"
