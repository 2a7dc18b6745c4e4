"""The table of records in the secondary Region: what outlives an execution and every execution has to know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from lib.functions.aws import client, error_code, error_text
from lib.functions.errors import Misconfigured

LEASE = "lease"
"""The execution that acts: `execution`, `redrive_count`, `at`."""
FAILED_OVER = "failed_over"
"""Where the environment runs since its recovery: `environment`, `backup_id`, `snapshot_time`,
`paused_at_creation_was` (as JSON), `execution`, `at`; `finished_at` once the secondary is on its own."""
HEALTH = "health"
"""The last health check: `answer`, `in_a_row`, `execution`, `at`, `notified_at`."""
REFUSAL = "refusal"
"""A person's no to a recovery, until the primary has been well again: `execution`, `at`."""
FENCE = "fence"
"""The last alarm about a primary that came back: `at`."""
BACKUPS = "backups"
"""What was seen of the primary's backups: `since` when they are looked at, the newest whole `backup_id`."""

KEY = "name"
_ROLES = frozenset({"AccessDeniedException", "UnrecognizedClientException", "ResourceNotFoundException"})


def stopped(environment: Mapping[str, str]) -> str:
    """The record of an environment that was stopped on purpose: `execution`, `at`, `backup_id`, `rows`, `note`."""
    return f"stopped/{environment['name']}.{environment['region']}"


def transition(environment: Mapping[str, str]) -> str:
    """The lease of an environment, of a stop or a start, as `LEASE`."""
    return f"lease/{environment['name']}.{environment['region']}"


def hold(environment: Mapping[str, str]) -> str:
    """The record of how a person wants an environment to stay for a while: `what`, `until`, `by`, `at`."""
    return f"hold/{environment['name']}.{environment['region']}"


def concern(name: str) -> str:
    """The record of something that people look after: `notified_at`, and `since` while it is not well."""
    return f"concern/{name}"


def failures(*kind: str) -> str:
    """The record of checks that failed in one way: `count`, `since`, `at` the last one, `notified_at`."""
    return f"failures/{'/'.join(kind)}"


def approval(execution: str) -> str:
    """The record of what a person is asked about an execution: `execution`, `at`, `deadline`, `answer`."""
    return f"approval/{execution.rpartition(':')[2]}"


class RecordTable:
    """Records are texts by name, read as they are now; raises Misconfigured where they are denied or not there."""

    def __init__(self, records: Mapping[str, str], *, connect: float = 3, read: float = 5, attempts: int = 3) -> None:
        self._table = records["table"]
        self._region = records["region"]
        self._client = client("dynamodb", self._region, connect=connect, read=read, attempts=attempts)

    def get(self, name: str) -> dict[str, str]:
        """A record; empty where there is none."""
        with self._explained():
            found = self._client.get_item(TableName=self._table, Key=_key(name), ConsistentRead=True)
        item: dict[str, dict[str, str]] = found.get("Item", {})
        return {field: value["S"] for field, value in item.items() if field != KEY}

    def put(self, name: str, values: Mapping[str, str]) -> None:
        """Write a record, whatever was there."""
        with self._explained():
            self._client.put_item(TableName=self._table, Item=_item(name, values))

    def claim(self, name: str, values: Mapping[str, str], *, former: Mapping[str, str]) -> dict[str, str]:
        """Write a record for `values["execution"]` where there is none but its own or the former one, unchanged.

        Returns the record that stands there then: another one's where it was not written.
        """
        condition = _any_of(values["execution"], former)
        while True:
            with self._explained():
                if self._is_met("put_item", Item=_item(name, values), **condition):
                    return dict(values)
            if standing := self.get(name):  # else it was given back in between
                return standing

    def renew(self, name: str, values: Mapping[str, str]) -> bool:
        """Write a record of `values["execution"]` anew; False where it is not its own any more."""
        with self._explained():
            return self._is_met("put_item", Item=_item(name, values), **_own(values["execution"]))

    def give_back(self, name: str, execution: str) -> bool:
        """Delete a record of an execution; False where it is not its own any more."""
        with self._explained():
            return self._is_met(
                "delete_item",
                Key=_key(name),
                **_own(execution),
            )

    def delete(self, name: str) -> bool:
        """Delete a record; False where there was none."""
        with self._explained():
            gone = self._client.delete_item(TableName=self._table, Key=_key(name), ReturnValues="ALL_OLD")
        return bool(gone.get("Attributes"))

    def _is_met(self, call: str, **parameters: Any) -> bool:
        try:
            getattr(self._client, call)(TableName=self._table, **parameters)
        except ClientError as error:
            if error_code(error) == "ConditionalCheckFailedException":
                return False
            raise
        return True

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            if error_code(error) not in _ROLES:
                raise
            raise Misconfigured(f"the table {self._table} in {self._region}: {error_text(error)}") from error


def _key(name: str) -> dict[str, dict[str, str]]:
    return {KEY: {"S": name}}


def _item(name: str, values: Mapping[str, str]) -> dict[str, dict[str, str]]:
    return {**_key(name), **{field: {"S": value} for field, value in values.items()}}


def _own(execution: str) -> dict[str, Any]:
    """The condition that a record is this execution's."""
    return {
        "ConditionExpression": "#execution = :execution",
        "ExpressionAttributeNames": {"#execution": "execution"},
        "ExpressionAttributeValues": {":execution": {"S": execution}},
    }


def _any_of(execution: str, former: Mapping[str, str]) -> dict[str, Any]:
    """The condition that there is no record, or this execution's, or the former one as it was read."""
    same = " AND ".join(f"#f_{field} = :f_{field}" for field in former)
    ways = ["attribute_not_exists(#key)", "#execution = :execution", *([f"({same})"] if former else [])]
    own = _own(execution)
    names = {"#key": KEY, **{f"#f_{field}": field for field in former}}
    values = {f":f_{field}": {"S": value} for field, value in former.items()}
    return {
        "ConditionExpression": " OR ".join(ways),
        "ExpressionAttributeNames": {**own["ExpressionAttributeNames"], **names},
        "ExpressionAttributeValues": {**own["ExpressionAttributeValues"], **values},
    }
