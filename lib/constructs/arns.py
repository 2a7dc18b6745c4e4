"""ARNs of what the stacks touch: the partition comes from the Region, never from a template's pseudo parameter."""

from __future__ import annotations

from dataclasses import dataclass

from lib.config.regions import partition_of


@dataclass(frozen=True)
class Arns:
    """The ARNs of one account in one Region."""

    account: str
    region: str

    @property
    def partition(self) -> str:
        """The partition of the Region."""
        return partition_of(self.region)

    def of(self, service: str, resource: str) -> str:
        """The ARN of something in this Region.

        >>> Arns("111222333444", "cn-north-1").of("s3", "job/*")
        'arn:aws-cn:s3:cn-north-1:111222333444:job/*'
        """
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def bucket(self, name: str) -> str:
        """A bucket, as s3:ListBucket and the like take it."""
        return f"arn:{self.partition}:s3:::{name}"

    def objects(self, bucket: str, below: str = "") -> str:
        """All objects of a bucket, or those whose keys begin with `below`."""
        return f"{self.bucket(bucket)}/{below}*"

    def alias(self, name: str) -> str:
        """An alias of a KMS key, with its prefix: `alias/backup`."""
        return self.of("kms", name)

    @property
    def keys(self) -> str:
        """All KMS keys: only together with the condition that `behind` gives."""
        return self.of("kms", "key/*")

    def state_machine(self, name: str) -> str:
        """A state machine."""
        return self.of("states", f"stateMachine:{name}")

    def executions(self, state_machine: str) -> str:
        """All executions of a state machine."""
        return self.of("states", f"execution:{state_machine}:*")

    def environment(self, name: str) -> str:
        """An MWAA environment."""
        return self.of("airflow", f"environment/{name}")

    def airflow_role(self, environment: str, role: str) -> str:
        """A role in Airflow, which a caller of a web server acts as."""
        return self.of("airflow", f"role/{environment}/{role}")

    def table(self, name: str) -> str:
        """A DynamoDB table."""
        return self.of("dynamodb", f"table/{name}")


def behind(alias: str) -> dict[str, dict[str, str]]:
    """The condition that a key has this alias: a statement cannot name an alias as its resource.

    https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html
    """
    return {"ForAnyValue:StringEquals": {"kms:ResourceAliases": alias}}
