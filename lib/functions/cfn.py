"""Custom resources of CloudFormation: a request is served, and answered whatever happens.

`handler = serve(act)`: `act(request)` does the work and returns a Result. What it raises becomes the reason in the
event of the stack; NotReady is asked again until the patience ends, over several invocations where one is too short.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
"""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lib.functions.aws import client, error_text
from lib.functions.errors import FunctionError, NotReady
from lib.functions.log import logger

LIMIT = 4096
"""Bytes of an answer; CloudFormation takes no larger one."""

PATIENCE = 3300
"""Seconds that NotReady is borne: below the hour that CloudFormation waits for a custom resource."""

PAUSE = 20
"""Seconds between two looks."""

MARGIN = 60_000
"""Milliseconds of an invocation that are kept for the answer."""

NOT_CREATED = "not-created"
"""The physical id of what could not be created: deleting it is nothing to do."""

_log = logger(__name__)


@dataclass(frozen=True)
class Request:
    """What CloudFormation asks for."""

    kind: str
    """Create, Update or Delete."""
    properties: Mapping[str, Any]
    """As the template has them, but all scalars are text; without `ServiceToken` and `ServiceTimeout`."""
    old_properties: Mapping[str, Any]
    """Those before an update; else empty."""
    physical_id: str
    """What the creation returned; empty while it is created."""
    stack_id: str
    logical_id: str


@dataclass(frozen=True)
class Result:
    """What became of it: another physical id than before makes CloudFormation delete the old one."""

    physical_id: str
    data: Mapping[str, str] = field(default_factory=dict)
    """The attributes, for Fn::GetAtt."""


Act = Callable[[Request], Result]
Handler = Callable[[Mapping[str, Any], Any], "dict[str, Any]"]


def serve(act: Act, *, deletes_always: bool = False) -> Handler:
    """The Lambda handler of a custom resource; with `deletes_always` an error of a deletion is only logged."""

    def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        request = read(event)
        _log.info("request", extra={"kind": request.kind, "resource": request.logical_id})
        try:
            result = _patiently(act, request, event, context)
        except Exception as error:  # noqa: BLE001 - CloudFormation waits an hour for who does not answer
            _log.exception("the request failed", extra={"kind": request.kind, "resource": request.logical_id})
            if not (deletes_always and request.kind == "Delete"):
                return _answer(event, "FAILED", request.physical_id or NOT_CREATED, reason=_reason(error))
            result = Result(request.physical_id)
        if result is None:
            return {"Status": "WAITING"}
        return _answer(event, "SUCCESS", result.physical_id, data=result.data)

    return handler


def read(event: Mapping[str, Any]) -> Request:
    """The event of Lambda as a Request."""
    return Request(
        kind=event["RequestType"],
        properties=_own(event["ResourceProperties"]),
        old_properties=_own(event.get("OldResourceProperties", {})),
        physical_id=event.get("PhysicalResourceId", ""),
        stack_id=event["StackId"],
        logical_id=event["LogicalResourceId"],
    )


def _own(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in properties.items() if name not in ("ServiceToken", "ServiceTimeout")}


def _patiently(act: Act, request: Request, event: Mapping[str, Any], context: Any) -> Result | None:
    """Act until it is ready; None: the next invocation goes on."""
    if request.kind == "Delete" and request.physical_id == NOT_CREATED:
        return Result(NOT_CREATED)
    since = float(event.get("WaitingSince") or time.time())
    while True:
        try:
            return act(request)
        except NotReady as error:
            if time.time() - since > PATIENCE:
                raise FunctionError(f"not ready after {PATIENCE // 60} minutes: {error}") from error
            _log.info("not ready", extra={"why": str(error)})
        if context.get_remaining_time_in_millis() < MARGIN + PAUSE * 1000:
            _go_on(event, since, context.invoked_function_arn)
            return None
        time.sleep(PAUSE)


def _go_on(event: Mapping[str, Any], since: float, function: str) -> None:
    payload = json.dumps({**event, "WaitingSince": since}).encode()
    region = function.split(":")[3]
    client("lambda", region).invoke(FunctionName=function, InvocationType="Event", Payload=payload)


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, FunctionError) else error_text(error)


def _answer(
    event: Mapping[str, Any], status: str, physical_id: str, *, reason: str = "", data: Mapping[str, str] | None = None
) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "Status": status,
        "PhysicalResourceId": physical_id,
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    room = LIMIT - len(json.dumps({**answer, "Reason": "", "Data": {}}).encode())
    if data and len(json.dumps(dict(data)).encode()) > room:
        # The work is done: who needs the data sees that it is missing, nothing is rolled back.
        _log.warning("the attributes do not fit into an answer", extra={"names": sorted(data)})
        data = {}
    answer |= {"Reason": _cut(reason, room)} if reason else {}
    answer |= {"Data": dict(data)} if data else {}
    _send(event["ResponseURL"], json.dumps(answer).encode())
    return answer


def _cut(text: str, room: int) -> str:
    """The text, without its end where it would be longer than `room` bytes as JSON.

    >>> _cut("a clear line", 11)
    'a clear ...'
    """
    if len(json.dumps(text).encode()) <= room + 2:
        return text
    text = text[:room]
    while len(json.dumps(text + " ...").encode()) > room + 2:
        text = text[:-1]
    return text.rstrip() + " ..."


def _send(url: str, body: bytes) -> None:
    # The address is CloudFormation's own, signed by it; without a content type, as the signature has none.
    request = urllib.request.Request(url, data=body, method="PUT", headers={"Content-Type": ""})  # noqa: S310
    for pause in (1, 3):
        if _arrives(request):
            return
        time.sleep(pause)
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310


def _arrives(request: urllib.request.Request) -> bool:
    try:
        urllib.request.urlopen(request, timeout=10).close()  # noqa: S310
    except OSError:
        return False
    return True
