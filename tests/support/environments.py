"""Environments as GetEnvironment tells of them, with every field; name what a test is about."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import botocore.session
from botocore.model import ServiceModel, StringShape

PRIMARY = {"name": "prod", "region": "us-east-1"}
SECONDARY = {"name": "prod-dr", "region": "us-west-2"}
ACCOUNT = "111222333444"
OWNER_TAG = {"mwaa-dr:created-by": "mwaa-secondary"}

_START = datetime(2026, 11, 1, tzinfo=timezone.utc)
_LOG = {"Enabled": True, "LogLevel": "INFO"}
_MODULES = ("DagProcessingLogs", "SchedulerLogs", "TaskLogs", "WebserverLogs", "WorkerLogs")


def mwaa_model() -> ServiceModel:
    """What the SDK knows of MWAA."""
    return botocore.session.get_session().get_service_model("mwaa")


def _statuses() -> frozenset[str]:
    shape = mwaa_model().shape_for("EnvironmentStatus")
    assert isinstance(shape, StringShape)
    return frozenset(shape.enum)


STATUSES = _statuses()


def an_environment(place: dict[str, str] = PRIMARY, **changes: Any) -> dict[str, Any]:
    """Every field that is known; with None a field is left out."""
    name, region = place["name"], place["region"]
    whole: dict[str, Any] = {
        "Name": name,
        "Status": "AVAILABLE",
        "Arn": f"arn:aws:airflow:{region}:{ACCOUNT}:environment/{name}",
        "CreatedAt": _START,
        "WebserverUrl": f"https://abc.c2.{region}.airflow.amazonaws.com",
        "ExecutionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/{name}-role",
        "ServiceRoleArn": f"arn:aws:iam::{ACCOUNT}:role/AWSServiceRoleForAmazonMWAA",
        "KmsKey": f"arn:aws:kms:{region}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555",
        "AirflowVersion": "2.10.3",
        "SourceBucketArn": f"arn:aws:s3:::{name}-dags",
        "DagS3Path": "dags",
        "PluginsS3Path": "plugins.zip",
        "PluginsS3ObjectVersion": "plugins-v1",
        "RequirementsS3Path": "requirements.txt",
        "RequirementsS3ObjectVersion": "requirements-v1",
        "StartupScriptS3Path": "startup.sh",
        "StartupScriptS3ObjectVersion": "startup-v1",
        "AirflowConfigurationOptions": {"core.default_timezone": "utc", "core.parallelism": "64"},
        "EnvironmentClass": "mw1.medium",
        "MaxWorkers": 20,
        "MinWorkers": 2,
        "MaxWebservers": 4,
        "MinWebservers": 3,
        "Schedulers": 3,
        "NetworkConfiguration": {"SubnetIds": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]},
        "LoggingConfiguration": {
            module: {
                **_LOG,
                "CloudWatchLogGroupArn": f"arn:aws:logs:{region}:{ACCOUNT}:log-group:airflow-{name}-{module}",
            }
            for module in _MODULES
        },
        "LastUpdate": {"Status": "SUCCESS", "CreatedAt": _START, "Source": "UpdateEnvironment"},
        "WeeklyMaintenanceWindowStart": "SUN:03:30",
        "Tags": {"team": "data", "aws:cloudformation:stack-name": "prod"},
        "WebserverAccessMode": "PUBLIC_ONLY",
        "WebserverVpcEndpointService": f"com.amazonaws.vpce.{region}.vpce-svc-1",
        "DatabaseVpcEndpointService": f"com.amazonaws.vpce.{region}.vpce-svc-2",
        "CeleryExecutorQueue": f"arn:aws:sqs:{region}:{ACCOUNT}:airflow-celery-1",
        "EndpointManagement": "SERVICE",
    }
    return {field: value for field, value in {**whole, **changes}.items() if value is not None}


def failed(place: dict[str, str] = SECONDARY, status: str = "CREATE_FAILED", **changes: Any) -> dict[str, Any]:
    """One that MWAA gave up."""
    error = {"ErrorCode": "INCORRECT_CONFIGURATION", "ErrorMessage": "the execution role cannot be assumed"}
    update = {"Status": "FAILED", "CreatedAt": _START, "Error": error}
    return an_environment(place, Status=status, LastUpdate=update, **changes)


def own(**changes: Any) -> dict[str, Any]:
    """The payload of a creation in the secondary Region."""
    return {
        "op": "create",
        "environment": SECONDARY,
        "bucket": "backups",
        "blueprint_key": "environment.json",
        "network": {"subnet_ids": ["subnet-8", "subnet-9"], "security_group_ids": ["sg-9"]},
        "role_arn": f"arn:aws:iam::{ACCOUNT}:role/dr-role",
        "dags_bucket": "dr-dags",
        "dags_s3_path": "dags",
        "kms_key_arn": None,
        "config_overrides": {},
        "object_versions": {},
        "owner_tag": OWNER_TAG,
        "redrive_count": 0,
        **changes,
    }


def returning(**changes: Any) -> dict[str, Any]:
    """The payload of a creation in an environment's own place: it has everything from its blueprint."""
    named = ("op", "bucket", "blueprint_key", "object_versions", "owner_tag", "redrive_count")
    return {**{name: value for name, value in own().items() if name in named}, "environment": PRIMARY, **changes}
