"""The environment that a workflow works on, and where the backups and the blueprint of one lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from lib.constructs.arns import Arns
from lib.constructs.function import Network


@dataclass(frozen=True)
class Target:
    """One environment, as its states speak of it and as functions are told of it."""

    name: str
    arns: Arns
    """Of its account and Region."""
    title: str
    """Completes "create the"."""
    short: str
    """Completes "look whether the ... is available"."""
    seen: str
    """Where the data of a state tells what a look has seen of it."""
    role_arn: str
    dags_bucket: str
    kms_key_arn: str | None
    network: Network | None
    """None: it is not known, so it may be any."""
    owner: str
    """The state machine that creates it."""
    own: Mapping[str, Any] = field(default_factory=dict)
    """What a creation takes from here and not from the blueprint."""

    @property
    def place(self) -> dict[str, str]:
        """The environment, as every function takes it."""
        return {"name": self.name, "region": self.arns.region}

    @property
    def owner_tag(self) -> dict[str, str]:
        """What it carries when we have created it."""
        return {"mwaa-dr:created-by": self.owner}

    @property
    def arn(self) -> str:
        """Its ARN."""
        return self.arns.environment(self.name)


@dataclass(frozen=True)
class Shelf:
    """A bucket with backups, and the blueprint that lies beside them."""

    bucket: s3.IBucket
    key: kms.IKey
    """What the bucket is encrypted with."""
    region: str
    blueprint: str
    """The key of the blueprint's object."""

    @property
    def payload(self) -> dict[str, str]:
        """Where the blueprint is, but for its key."""
        return {"bucket": self.bucket.bucket_name, "bucket_region": self.region}
