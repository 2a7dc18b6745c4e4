"""One request as IAM sees it: who signed it, for which Region, which action on which resource."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass, field
from typing import Any

from ministack import app
from ministack.core import iam_actions, responses, router
from ministack.services import tagging

from drill.aws.simulator import actions, identity
from drill.aws.simulator.state import door, on_reset

MOST_RECORDED = 200_000
LONGEST_PARAMETERS = 65_536  # bytes; a longer body is an upload, not parameters
_S3_CONTROL = "/v20180820/"


@dataclass
class Call:
    """What is recorded; the fields are those of drill.aws.control.Call."""

    caller: str
    service: str
    action: str
    resource: str
    region: str
    status: int = 0
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def buckets(self) -> set[str]:
        """The names of the buckets that the call touches."""
        return self._buckets

    def __post_init__(self) -> None:
        self._buckets: set[str] = set()


class Recorder:
    """Keeps the calls of one simulator."""

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._lock = threading.Lock()

    def add(self, call: Call) -> None:
        """Record one more."""
        with self._lock:
            if len(self._calls) < MOST_RECORDED:
                self._calls.append(call)

    def forget(self) -> None:
        """Start anew."""
        with self._lock:
            self._calls.clear()

    def all(self) -> list[dict[str, Any]]:
        """As JSON."""
        with self._lock:
            return [asdict(call) for call in self._calls]


RECORDER = Recorder()
on_reset(RECORDER.forget)
door("calls")(RECORDER.all)
door("calls/forget")(RECORDER.forget)


def understood(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Call:
    """The call behind a request."""
    account, region = responses.get_account_id(), router.extract_region(headers, query)
    service = router.detect_service(method, path, headers, query)
    key = router.extract_access_key_id(headers, query)
    if path.startswith(_S3_CONTROL):
        action, resource = actions.of_job(method, path, region, account)
    else:
        query = app._routing_params(method, path, headers, body, query)  # SNS, EC2 and IAM send forms
        action = iam_actions.extract_iam_action(service, method, path, headers, body, query) or ""
        resource = iam_actions.extract_resource_arn(service, method, path, headers, body, query, region, account) or ""
    call = Call(
        caller=identity.caller_of(key, account),
        service=action.partition(":")[0] or service,
        action=action,
        resource=resource,
        region=region,
        parameters={**_parameters(body, query), **_conditions(service, action, resource, body, query)},
    )
    if service == "s3" and not path.startswith(_S3_CONTROL):
        copied = headers.get("x-amz-copy-source", "").lstrip("/").partition("/")[0]
        call.buckets.update({path.lstrip("/").partition("/")[0], copied} - {""})
    return call


def tags_of(resource: str) -> dict[str, str]:
    """The tags of a resource as condition keys."""
    return {f"aws:ResourceTag/{name}": value for name, value in (tagging.resource_tags(resource) or {}).items()}


def _conditions(service: str, action: str, resource: str, body: bytes, query: dict[str, Any]) -> dict[str, Any]:
    """The condition keys that IAM compares."""
    return {**iam_actions.request_tag_context(service, action, body, query), **tags_of(resource)}


def _parameters(body: bytes, query: dict[str, Any]) -> dict[str, Any]:
    flat = {name: values[0] if len(values) == 1 else values for name, values in query.items()}
    if not body or len(body) > LONGEST_PARAMETERS:
        return flat
    try:
        sent = json.loads(body)
    except (ValueError, UnicodeDecodeError):
        return flat
    return {**flat, **sent} if isinstance(sent, dict) else flat
