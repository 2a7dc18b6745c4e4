"""The operations of the MWAA API, by botocore's own model of it.

AWS: https://docs.aws.amazon.com/mwaa/latest/API/API_Operations.html, and for the errors and limits of InvokeRestApi
https://docs.aws.amazon.com/mwaa/latest/userguide/access-mwaa-apache-airflow-rest-api.html.
"""

from __future__ import annotations

import asyncio
import functools
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlencode

import botocore.session
from botocore.validate import ParamValidator
from ministack.core.responses import error_response_json, get_account_id, json_response
from ministack.services import mwaa

from drill.aws.simulator import quotas
from drill.aws.simulator.mwaa import certificate, environments
from drill.aws.simulator.mwaa.reach import reaches

Answer = tuple[int, dict[str, str], bytes]

LONGEST_PATH = 64
LARGEST_ANSWER = 6 * 1024 * 1024  # bytes
OLDEST_REST = (2, 4, 3)
_ROUTES = (
    ("PUT", r"/environments/([^/]+)", "CreateEnvironment"),
    ("GET", r"/environments/([^/]+)", "GetEnvironment"),
    ("PATCH", r"/environments/([^/]+)", "UpdateEnvironment"),
    ("DELETE", r"/environments/([^/]+)", "DeleteEnvironment"),
    ("GET", r"/environments()", "ListEnvironments"),
    ("POST", r"/clitoken/([^/]+)", "CreateCliToken"),
    ("POST", r"/webtoken/([^/]+)", "CreateWebLoginToken"),
    ("POST", r"/restapi/([^/]+)", "InvokeRestApi"),
    ("GET", r"/tags/(.+)", "ListTagsForResource"),
    ("POST", r"/tags/(.+)", "TagResource"),
    ("DELETE", r"/tags/(.+)", "UntagResource"),
)


class RefusedError(Exception):
    """One of the API's errors."""

    def __init__(self, name: str, message: str, status: int) -> None:
        super().__init__(message)
        self.name, self.status = name, status


@dataclass(frozen=True)
class Asked:
    """One request; for tags the name is an ARN."""

    name: str
    data: dict[str, Any]
    query: dict[str, Any]


def mend() -> None:
    """Answer instead of ministack, and let everybody trust the web servers' certificate."""
    certificate.trust()
    mwaa.handle_request = handle


async def handle(method: str, path: str, _headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Answer:
    """Answer one request."""
    for verb, pattern, operation in _ROUTES:
        match = re.fullmatch(pattern, path.rstrip("/"))
        if verb == method and match:
            data = json.loads(body or b"{}")
            try:
                return await asyncio.to_thread(_answer, operation, Asked(unquote(match[1]), data, query))
            except RefusedError as error:
                return error_response_json(error.name, str(error), error.status)  # type: ignore[no-any-return]
    return error_response_json("ValidationException", f"{method} {path} is no operation of MWAA", 400)  # type: ignore[no-any-return]


def _answer(operation: str, asked: Asked) -> Answer:
    if operation in ("CreateEnvironment", "UpdateEnvironment"):
        _validate(operation, {**asked.data, "Name": asked.name})
    return OPERATIONS[operation](asked)


def _validate(operation: str, data: dict[str, Any]) -> None:
    shape = _model().operation_model(operation).input_shape
    unknown = set(data) - set(shape.members)
    report = ParamValidator().validate(data, shape)
    wrong = [f"{name} is not a parameter" for name in sorted(unknown)]
    if report.has_errors() or wrong:
        raise RefusedError("ValidationException", " ".join([*wrong, report.generate_report()]).strip(), 400)
    for name, value in data.items():
        choices = shape.members[name].metadata.get("enum")
        if choices and value not in choices:
            raise RefusedError("ValidationException", f"{name} {value!r} must be one of {', '.join(choices)}", 400)


@functools.cache
def _model() -> Any:
    return botocore.session.Session().get_service_model("mwaa")


def _existing(name: str) -> dict[str, Any]:
    environment = environments.found(name)
    if environment is None:
        raise RefusedError("ResourceNotFoundException", f"No environment with name {name} found", 404)
    return environment


def _settled(name: str, verb: str) -> dict[str, Any]:
    environment = _existing(name)
    if environment["Status"] not in environments.SETTLED:
        words = f"Environment {name} is {environment['Status']} and cannot be {verb}"
        raise RefusedError("ValidationException", words, 400)
    return environment


def _create(asked: Asked) -> Answer:
    name, data = asked.name, asked.data
    if environments.found(name) is not None:
        raise RefusedError("ValidationException", f"An environment with name {name} already exists", 400)
    subnets = data["NetworkConfiguration"].get("SubnetIds", [])
    if len(set(subnets)) != 2:
        raise RefusedError("ValidationException", f"exactly two subnets are required, not {len(set(subnets))}", 400)
    if len(environments.names()) >= quotas.environments_allowed():
        words = f"the Region holds {quotas.environments_allowed()} environments, as many as the quota allows"
        raise RefusedError("ValidationException", words, 400)
    return _json({"Arn": environments.create(name, data)["Arn"]})


def _get(asked: Asked) -> Answer:
    return _json({"Environment": _existing(asked.name)})


def _update(asked: Asked) -> Answer:
    environment = _settled(asked.name, "updated")
    environments.update(environment, asked.data)
    return _json({"Arn": environment["Arn"]})


def _delete(asked: Asked) -> Answer:
    environments.delete(_settled(asked.name, "deleted"))
    return _json({})


def _list(_: Asked) -> Answer:
    return _json({"Environments": environments.names()})


def _cli_token(asked: Asked) -> Answer:
    front = _front(asked.name)
    return _json({"CliToken": front.token(reaches(_existing(asked.name))), "WebServerHostname": front.host})


def _web_token(asked: Asked) -> Answer:
    front = _front(asked.name)
    who = f"arn:aws:iam::{get_account_id()}:root"
    identity = {"IamIdentity": who, "AirflowIdentity": who}
    return _json({"WebToken": front.token(reaches(_existing(asked.name))), "WebServerHostname": front.host, **identity})


def _front(name: str) -> Any:
    environment = _existing(name)
    if "WebserverUrl" not in environment:
        raise RefusedError("ResourceNotFoundException", f"Environment {name} has no web server yet", 404)
    return environments.front(environments.key(name)[1], name)


def _rest(asked: Asked) -> Answer:
    environment, data = _existing(asked.name), asked.data
    version = tuple(int(part) for part in environment["AirflowVersion"].split(".")[:3])
    if version < OLDEST_REST:
        raise RefusedError("ValidationException", "Update your environment to use InvokeRestApi", 400)
    if not reaches(environment):
        raise RefusedError("AccessDeniedException", "The web server is private: call from inside its VPC", 403)
    if len(data["Path"]) > LONGEST_PATH:
        raise RefusedError("ValidationException", f"Path has more than {LONGEST_PATH} characters", 400)
    base = "/api/v1" if version < (3,) else "/api/v2"
    parameters = data.get("QueryParameters") or {}
    path = base + data["Path"] + (f"?{urlencode(parameters, doseq=True)}" if parameters else "")
    sent = json.dumps(data["Body"]).encode() if data.get("Body") is not None else b""
    try:
        status, _headers, body = _front(asked.name).forward(
            data["Method"], path, sent, {"Content-Type": "application/json"}
        )
    except OSError as error:
        return _rest_error("RestApiServerException", 503, {"detail": str(error)})
    if len(body) > LARGEST_ANSWER:
        raise RefusedError("ValidationException", "The response is larger than 6 MB", 400)
    answer = _parsed(body)
    if status >= 400:
        return _rest_error("RestApiClientException" if status < 500 else "RestApiServerException", status, answer)
    return _json({"RestApiStatusCode": status, "RestApiResponse": answer})


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body or b"{}")
    except ValueError:
        return {"detail": body.decode("utf-8", "replace")}


def _rest_error(name: str, status: int, answer: Any) -> Answer:
    """Both errors come with HTTP 400; the web server's own status is inside."""
    body = json.dumps({"__type": name, "message": "", "RestApiStatusCode": status, "RestApiResponse": answer})
    return 400, {"Content-Type": "application/json", "x-amzn-errortype": name}, body.encode()


def _tags(asked: Asked) -> Answer:
    return _json({"Tags": _tagged(asked.name)["Tags"]})


def _tag(asked: Asked) -> Answer:
    environment = _tagged(asked.name)
    environment["Tags"] = {**environment["Tags"], **asked.data["Tags"]}
    return _json({})


def _untag(asked: Asked) -> Answer:
    environment = _tagged(asked.name)
    gone = asked.query.get("tagKeys", [])
    environment["Tags"] = {key: value for key, value in environment["Tags"].items() if key not in gone}
    return _json({})


def _tagged(arn: str) -> dict[str, Any]:
    environment = environments.by_arn(arn)
    if environment is None:
        raise RefusedError("ResourceNotFoundException", f"No resource with ARN {arn} found", 404)
    return environment


def _json(body: dict[str, Any]) -> Answer:
    return json_response(body, status=200)  # type: ignore[no-any-return]


OPERATIONS: dict[str, Callable[[Asked], Answer]] = {
    "CreateEnvironment": _create,
    "GetEnvironment": _get,
    "UpdateEnvironment": _update,
    "DeleteEnvironment": _delete,
    "ListEnvironments": _list,
    "CreateCliToken": _cli_token,
    "CreateWebLoginToken": _web_token,
    "InvokeRestApi": _rest,
    "ListTagsForResource": _tags,
    "TagResource": _tag,
    "UntagResource": _untag,
}
