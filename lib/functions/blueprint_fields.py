"""What an environment is created from: the fields of GetEnvironment that CreateEnvironment takes, and whose values win.

https://docs.aws.amazon.com/mwaa/latest/API/API_CreateEnvironment.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lib.functions.mwaa import PAUSED_AT_CREATION

REPLACED = {
    "Name": "two environments of one Region cannot share it",
    "ExecutionRoleArn": "each environment has its own",
    "SourceBucketArn": "a bucket is in the Region of its environment",
    "NetworkConfiguration": "a VPC is in one Region",
    "KmsKey": "a key is in one Region",
    "DagS3Path": "it is deployed to by the configuration",
}
"""Field -> why it is the new environment's own, wherever that is told."""

NEWER = ("IdentityCenterConfiguration", "Teams")
"""Fields of botocore 1.44; an older SDK neither shows nor takes them."""

CARRIED = (
    *REPLACED,
    "AirflowConfigurationOptions",
    "AirflowVersion",
    "EndpointManagement",
    "EnvironmentClass",
    "LoggingConfiguration",
    "MaxWebservers",
    "MaxWorkers",
    "MinWebservers",
    "MinWorkers",
    "PluginsS3ObjectVersion",
    "PluginsS3Path",
    "RequirementsS3ObjectVersion",
    "RequirementsS3Path",
    "Schedulers",
    "StartupScriptS3ObjectVersion",
    "StartupScriptS3Path",
    "Tags",
    "WebserverAccessMode",
    "WeeklyMaintenanceWindowStart",
    *NEWER,
)

READ_ONLY = {
    "Arn": "follows from account, Region and name",
    "CeleryExecutorQueue": "MWAA makes one for each environment",
    "CreatedAt": "a moment in its life",
    "DatabaseVpcEndpointService": "MWAA makes one for each environment",
    "LastUpdate": "a moment in its life",
    "ServiceRoleArn": "the service-linked role of the account",
    "Status": "a moment in its life",
    "WebserverUrl": "MWAA makes one for each environment",
    "WebserverVpcEndpointService": "MWAA makes one for each environment",
}
"""Field of GetEnvironment -> why CreateEnvironment does not take it."""

LOG_MEMBERS = ("Enabled", "LogLevel")
"""CloudWatchLogGroupArn is only ever told, never taken."""

MOST_TAGS = 50
"""Of one environment."""

RESERVED = "aws:"
"""What tags of AWS itself begin with: nobody else may set them."""


@dataclass(frozen=True)
class Own:
    """What a new environment has of its own, instead of its blueprint's; what it names none of, it has from there."""

    name: str
    role_arn: str
    dags_bucket: str
    dags_s3_path: str
    subnet_ids: tuple[str, ...]
    security_group_ids: tuple[str, ...]
    kms_key_arn: str | None
    """None: a key of AWS."""
    config_overrides: Mapping[str, str | None]
    """Airflow option -> its value; None: it is not set."""
    object_versions: Mapping[str, str | None]
    """Field of the blueprint -> the version in this DAGs bucket; None: whichever is the newest."""
    owner_tag: Mapping[str, str]
    returns: bool = False
    """It comes back to its own place, and is to be what it was."""

    @classmethod
    def of(cls, payload: Mapping[str, Any], fields: Mapping[str, Any]) -> Own:
        """Read it from the payload of a creation; an environment that comes back to its own place names nothing."""
        saved = fields.get("NetworkConfiguration", {})
        network = payload.get("network") or {
            "subnet_ids": saved.get("SubnetIds", ()),
            "security_group_ids": saved.get("SecurityGroupIds", ()),
        }
        return cls(
            name=payload["environment"]["name"],
            role_arn=payload.get("role_arn") or fields["ExecutionRoleArn"],
            dags_bucket=payload.get("dags_bucket") or bucket_of(fields),
            dags_s3_path=payload.get("dags_s3_path") or fields["DagS3Path"],
            subnet_ids=tuple(network["subnet_ids"]),
            security_group_ids=tuple(network["security_group_ids"]),
            kms_key_arn=payload["kms_key_arn"] if "kms_key_arn" in payload else fields.get("KmsKey"),
            config_overrides=payload.get("config_overrides") or {},
            object_versions=payload.get("object_versions") or {},
            owner_tag=payload["owner_tag"],
            returns="network" not in payload,
        )


REQUIRED = ("Name", "ExecutionRoleArn", "SourceBucketArn", "DagS3Path", "NetworkConfiguration")
"""What CreateEnvironment does not do without."""


def bucket_of(fields: Mapping[str, Any]) -> str:
    """The name of the DAGs bucket of a blueprint."""
    return str(fields["SourceBucketArn"]).rpartition(":")[2]


def incomplete(fields: Mapping[str, Any]) -> list[str]:
    """What a blueprint lacks that CreateEnvironment needs."""
    network = fields.get("NetworkConfiguration") or {}
    members = [f"NetworkConfiguration.{name}" for name in ("SubnetIds", "SecurityGroupIds") if not network.get(name)]
    return [*(name for name in REQUIRED if not fields.get(name)), *members]


def carried(environment: Mapping[str, Any]) -> dict[str, Any]:
    """All of an environment that a new one can be created from; what is empty is left out."""
    fields = {name: environment[name] for name in CARRIED if environment.get(name) not in (None, "", {}, [])}
    if logging := fields.get("LoggingConfiguration"):
        fields["LoggingConfiguration"] = {
            module: {member: log[member] for member in LOG_MEMBERS}
            for module, log in logging.items()
            # One without a level was never switched on.
            if all(member in log for member in LOG_MEMBERS)
        }
    if tags := fields.pop("Tags", None):
        fields |= {"Tags": own} if (own := {k: v for k, v in tags.items() if not k.startswith(RESERVED)}) else {}
    return fields


def creation(fields: Mapping[str, Any], own: Own) -> dict[str, Any]:
    """The arguments of CreateEnvironment: no DAG of the new environment starts on its own."""
    replaced = {
        "Name": own.name,
        "ExecutionRoleArn": own.role_arn,
        "SourceBucketArn": f"arn:{own.role_arn.split(':')[1]}:s3:::{own.dags_bucket}",
        "NetworkConfiguration": {
            "SubnetIds": list(own.subnet_ids),
            "SecurityGroupIds": list(own.security_group_ids),
        },
        "KmsKey": own.kms_key_arn,
        "DagS3Path": _dags_path(fields.get("DagS3Path", ""), own.dags_s3_path),
        "AirflowConfigurationOptions": _paused(fields, own),
        "Tags": {**fields.get("Tags", {}), **own.owner_tag},
        **own.object_versions,
    }
    return {name: value for name, value in {**fields, **replaced}.items() if value is not None}


def _paused(fields: Mapping[str, Any], own: Own) -> dict[str, str] | None:
    """The options, with which new DAGs are paused; where Airflow does so anyway, one that returns keeps its own."""
    said = options(fields, own.config_overrides)
    if own.returns and paused_at_creation(fields, own.config_overrides) is not False:
        return said or None
    return {**said, PAUSED_AT_CREATION: "True"}


def options(fields: Mapping[str, Any], overrides: Mapping[str, str | None]) -> dict[str, str]:
    """The Airflow options with the overrides; an option that is overridden with None is not set."""
    merged: dict[str, str | None] = {**fields.get("AirflowConfigurationOptions", {}), **overrides}
    return {name: value for name, value in merged.items() if value is not None}


def paused_at_creation(fields: Mapping[str, Any], overrides: Mapping[str, str | None]) -> bool | None:
    """What the blueprint says about new DAGs; None: nothing, and then Airflow pauses them."""
    said = options(fields, overrides).get(PAUSED_AT_CREATION)
    return None if said is None else said.strip().lower() not in ("false", "f", "0")


def _dags_path(saved: str, own: str) -> str:
    """The same folder may be written with a slash at its end: then it stays as it was."""
    return saved if saved.strip("/") == own.strip("/") else own
