"""The custom resource: an environment that is there gets its Variables and its backup, and loses them again."""

from __future__ import annotations

import io
import json
import shlex
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

import pytest
from botocore.response import StreamingBody

from lib.functions import airflow_cli, cfn
from lib.functions import mwaa as mwaa_calls
from lib.functions.cfn import Request
from lib.functions.errors import (
    AirflowRefused,
    AirflowUnavailable,
    FunctionError,
    Misconfigured,
    NotReachable,
    NotReady,
)
from lib.functions.mwaa import Place
from tests.support.mwaa import NAME, REGION, Mwaa, Reply, printed
from tests.support.stubbed_aws import StubbedAws, stubbed_aws

INSIDE = f"arn:aws:lambda:{REGION}:111122223333:function:inside"
PROPERTIES = {
    "environment": {"name": NAME, "region": REGION},
    "variables": {"DR_BACKUP_BUCKET": "backups"},
    "backup_dag_id": "backup_metadata",
    "schedule": "@hourly",
    "inside": INSIDE,
}
ID = f"airflow-{NAME}.{REGION}"


class Commands:
    """The commands of an Airflow 2.10 with a backup DAG."""

    def __init__(self) -> None:
        self.variables: dict[str, str] = {}
        self.is_parsed = True
        self.is_paused = True

    def __call__(self, command: str) -> Reply:
        words = shlex.split(command)
        if words[0] == "variables":
            return self._variables(*words[1:])
        if not self.is_parsed:
            return printed("", "DAG: backup_metadata does not exist in 'dag' table\n", status=400)
        if words[1] == "list-runs":
            return printed("[]")
        self.is_paused = words[1] == "pause"
        return printed(f"Dag: {words[2]}, paused: {self.is_paused}\n")

    def _variables(self, verb: str, key: str, value: str = "") -> Reply:
        if verb == "set":
            self.variables[key] = value
            return printed(f"Variable {key} created\n")
        self.variables.pop(key, None)
        return printed(f"Variable {key} deleted\n")


@pytest.fixture
def airflow(mwaa: Mwaa) -> Commands:
    mwaa.cli = commands = Commands()
    mwaa.rest = lambda call: (400, {"detail": "Update your environment to use InvokeRestApi"})
    return commands


STACK = f"arn:aws:cloudformation:{REGION}:111122223333:stack/ours/1"


def request(kind: str = "Create", before: Mapping[str, Any] | None = None, **properties: Any) -> Request:
    known = "" if kind == "Create" else ID
    return Request(kind, {**PROPERTIES, **properties}, before or {}, known, STACK, "AirflowCli")


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> Iterator[StubbedAws]:
    """An environment that is gone on purpose."""
    monkeypatch.setattr(mwaa_calls, "find", lambda place: None)
    with stubbed_aws() as scripted:
        yield scripted


def stack_is(aws: StubbedAws, status: str) -> None:
    """What CloudFormation is about to do."""
    stack = {"StackName": "ours", "CreationTime": datetime.now(timezone.utc), "StackStatus": status}
    aws.script("cloudformation", REGION).add_response("describe_stacks", {"Stacks": [stack]}, {"StackName": STACK})


def set_environment(mwaa: Mwaa, **changes: str) -> None:
    mwaa.environment = {**(mwaa.environment or {}), **changes}


def test_created_the_variables_are_set_and_the_backup_runs(mwaa: Mwaa, airflow: Commands) -> None:
    assert airflow_cli.act(request()).physical_id == ID
    assert airflow.variables == {"DR_BACKUP_BUCKET": "backups", "DR_BACKUP_SCHEDULE": "@hourly"}
    assert airflow.is_paused is False


def test_updated_what_is_not_asked_for_any_more_goes(mwaa: Mwaa, airflow: Commands) -> None:
    before = {**PROPERTIES, "variables": {"DR_OLD": "1", "DR_BACKUP_BUCKET": "old"}}
    airflow.variables = {"DR_OLD": "1", "DR_BACKUP_BUCKET": "old", "MINE": "1"}
    airflow_cli.act(request("Update", before))
    assert airflow.variables == {"DR_BACKUP_BUCKET": "backups", "DR_BACKUP_SCHEDULE": "@hourly", "MINE": "1"}


def test_twice_is_as_good_as_once(mwaa: Mwaa, airflow: Commands) -> None:
    airflow_cli.act(request())
    once = dict(airflow.variables)
    airflow_cli.act(request("Update", PROPERTIES))
    assert (airflow.variables, airflow.is_paused) == (once, False)


def test_deleted_everything_is_undone(mwaa: Mwaa, airflow: Commands) -> None:
    airflow_cli.act(request())
    assert airflow_cli.act(request("Delete")).physical_id == ID
    assert (airflow.variables, airflow.is_paused) == ({}, True)


def test_another_environment_is_another_resource(mwaa: Mwaa, airflow: Commands) -> None:
    before = {**PROPERTIES, "environment": {"name": "old", "region": REGION}, "variables": {"DR_OLD": "1"}}
    assert airflow_cli.act(request("Update", before)).physical_id == ID
    assert not [command for command in mwaa.commands if "DR_OLD" in command]


@pytest.mark.parametrize(
    "status", ["UPDATING", "CREATING", "MAINTENANCE", "CREATING_SNAPSHOT", "ROLLING_BACK", "PENDING"]
)
def test_an_environment_that_changes_is_waited_for(mwaa: Mwaa, status: str) -> None:
    set_environment(mwaa, Status=status)
    with pytest.raises(NotReady, match=f"environment '{NAME}' in {REGION} is {status}"):
        airflow_cli.act(request())


def test_a_failed_update_left_an_environment_that_works(mwaa: Mwaa, airflow: Commands) -> None:
    set_environment(mwaa, Status="UPDATE_FAILED")
    airflow_cli.act(request())
    assert airflow.variables


@pytest.mark.parametrize("status", ["CREATE_FAILED", "UNAVAILABLE", "DELETING", "DELETED"])
def test_a_broken_environment_is_an_error_now_and_nothing_to_undo_later(mwaa: Mwaa, status: str) -> None:
    set_environment(mwaa, Status=status)
    with pytest.raises(Misconfigured, match=f"is {status}. HINT"):
        airflow_cli.act(request())
    assert airflow_cli.act(request("Delete")).physical_id == ID


def test_an_environment_that_is_not_there_is_an_error_now_and_nothing_to_undo_later(mwaa: Mwaa) -> None:
    mwaa.environment = None
    with pytest.raises(Misconfigured, match="is NOT_FOUND"):
        airflow_cli.act(request())
    assert airflow_cli.act(request("Delete")).physical_id == ID


def test_settings_are_not_changed_while_it_is_stopped(stopped: StubbedAws) -> None:
    stack_is(stopped, "UPDATE_IN_PROGRESS")
    with pytest.raises(Misconfigured, match="where it is stopped on purpose, after its start"):
        airflow_cli.act(request("Update", PROPERTIES))


def test_a_deployment_that_failed_while_it_is_stopped_can_go_back(stopped: StubbedAws) -> None:
    """Else the stack would be in UPDATE_ROLLBACK_FAILED, out of which only a person helps it."""
    stack_is(stopped, "UPDATE_ROLLBACK_IN_PROGRESS")
    assert airflow_cli.act(request("Update", PROPERTIES)).physical_id == ID


def test_a_backup_dag_that_is_not_parsed_is_waited_for(mwaa: Mwaa, airflow: Commands) -> None:
    airflow.is_parsed = False
    with pytest.raises(NotReady, match="backup_metadata is not parsed yet"):
        airflow_cli.act(request())
    assert airflow.variables == {}


def test_a_web_server_that_does_not_answer_is_waited_for_but_not_on_the_way_out(mwaa: Mwaa) -> None:
    mwaa.cli = lambda command: Reply(503)
    with pytest.raises(NotReady, match="503"):
        airflow_cli.act(request())
    with pytest.raises(AirflowUnavailable):
        airflow_cli.act(request("Delete"))


def inside(aws: StubbedAws, payload: Any, expected: Any = None, **more: Any) -> None:
    """The copy inside the VPC is asked once, and says this."""
    said = json.dumps(payload).encode()
    answer = {"StatusCode": 200, "Payload": StreamingBody(io.BytesIO(said), len(said)), **more}
    asked = {"FunctionName": INSIDE, "Payload": json.dumps(expected).encode()} if expected else None
    aws.script("lambda", REGION).add_response("invoke", answer, asked)


def test_a_private_web_server_that_no_network_leads_to_is_told_at_once(mwaa: Mwaa) -> None:
    set_environment(mwaa, WebserverAccessMode="PRIVATE_ONLY")
    with pytest.raises(Misconfigured, match="has a private web server"):
        airflow_cli.act(request(inside=""))
    assert mwaa.commands == []


def test_a_private_web_server_is_reached_from_inside_its_vpc(mwaa: Mwaa) -> None:
    set_environment(mwaa, WebserverAccessMode="PRIVATE_ONLY")
    asked = {name: value for name, value in PROPERTIES.items() if name != "inside"}
    with stubbed_aws() as aws:
        inside(aws, {"scheduled": True}, {**asked, "op": "own", "version": "2.10.3", "stale": []})
        airflow_cli.act(request())
    assert mwaa.commands == []


FROM_INSIDE = [
    ("NotReady", "DAG x is not parsed yet", NotReady, "DAG x is not parsed yet"),
    ("NotReachable", "cannot connect. HINT", NotReachable, "cannot connect. HINT"),
    ("AirflowRefused", "no", AirflowRefused, "no"),
    ("AirflowUnavailable", "503", NotReady, "503"),
    ("Sandbox.Timedout", "RequestId: 1 Error: Task timed out after 300.00 seconds", NotReady, "did not end"),
    ("KeyError", "'variables'", Misconfigured, "inside the VPC failed: KeyError: 'variables'"),
    ("Request", "a name that is no error", Misconfigured, "Request"),
]


@pytest.mark.parametrize(("name", "message", "kind", "words"), FROM_INSIDE)
def test_what_fails_inside_has_its_name_outside(
    mwaa: Mwaa, name: str, message: str, kind: type[FunctionError], words: str
) -> None:
    set_environment(mwaa, WebserverAccessMode="PRIVATE_ONLY")
    with stubbed_aws() as aws:
        inside(aws, {"errorType": name, "errorMessage": message}, FunctionError="Unhandled")
        with pytest.raises(kind, match=words):
            airflow_cli.act(request())


OF_LAMBDA = [
    ("TooManyRequestsException", 429, NotReady),
    ("ServiceException", 500, NotReady),
    ("ResourceNotFoundException", 404, Misconfigured),
    ("AccessDeniedException", 403, Misconfigured),
]


@pytest.mark.parametrize(("code", "status", "kind"), OF_LAMBDA)
def test_what_lambda_refuses_has_a_name(mwaa: Mwaa, code: str, status: int, kind: type[FunctionError]) -> None:
    set_environment(mwaa, WebserverAccessMode="PRIVATE_ONLY")
    with stubbed_aws() as aws:
        aws.script("lambda", REGION).add_client_error("invoke", code, "no", http_status_code=status)
        with pytest.raises(kind, match=code):
            airflow_cli.act(request())


class Context:
    invoked_function_arn = f"arn:aws:lambda:{REGION}:111122223333:function:outside"

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


def answer_to(monkeypatch: pytest.MonkeyPatch, kind: str) -> dict[str, Any]:
    """What CloudFormation hears; pauses are passed over."""
    heard: list[bytes] = []
    monkeypatch.setattr(cfn, "_send", lambda url, body: heard.append(body))
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    event = {
        "RequestType": kind,
        "ResponseURL": "https://cloudformation.example/",
        "StackId": "stack",
        "RequestId": "r1",
        "LogicalResourceId": "AirflowCli",
        "ResourceProperties": {"ServiceToken": "x", **PROPERTIES},
    }
    airflow_cli.handler(event if kind == "Create" else {**event, "PhysicalResourceId": ID}, Context())
    [body] = heard
    assert len(body) < 4096
    return dict(json.loads(body))


def test_the_event_of_the_stack_says_why_it_failed(mwaa: Mwaa, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = "usage\nairflow variables set command error: unrecognized arguments: 漢" + "x" * 9000
    mwaa.cli = lambda command: printed("[]") if "list-runs" in command else printed("", usage, status=400)
    answer = answer_to(monkeypatch, "Create")
    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith(
        f"Airflow of {NAME} did not set Variable DR_BACKUP_BUCKET: airflow variables set"
    )


def test_an_environment_that_becomes_available_is_gone_on_with(
    mwaa: Mwaa, airflow: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_environment(mwaa, Status="UPDATING")
    looks = iter([None, None, "AVAILABLE"])
    found = mwaa_calls.find

    def find(place: Place) -> dict[str, Any] | None:
        if status := next(looks):
            set_environment(mwaa, Status=status)
        return found(place)

    monkeypatch.setattr(mwaa_calls, "find", find)
    assert answer_to(monkeypatch, "Create")["Status"] == "SUCCESS"
    assert airflow.variables["DR_BACKUP_BUCKET"] == "backups"


def test_a_deletion_always_succeeds(mwaa: Mwaa, monkeypatch: pytest.MonkeyPatch) -> None:
    mwaa.cli = lambda command: Reply(500)
    assert answer_to(monkeypatch, "Delete")["Status"] == "SUCCESS"
