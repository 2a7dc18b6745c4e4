"""MWAA as https://docs.aws.amazon.com/mwaa/latest/API/ and its user guide say."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from botocore.exceptions import ClientError

from drill.aws import LocalAws
from tests.support.local_aws import Builder, eventually

EVERYTHING: dict[str, Any] = {
    "AirflowConfigurationOptions": {"core.parallelism": "8"},
    "AirflowVersion": "2.10.3",
    "DagS3Path": "dags",
    "EndpointManagement": "SERVICE",
    "EnvironmentClass": "mw1.medium",
    "ExecutionRoleArn": "arn:aws:iam::000000000000:role/execution",
    "KmsKey": "arn:aws:kms:us-east-1:000000000000:key/1",
    "LoggingConfiguration": {"TaskLogs": {"Enabled": True, "LogLevel": "INFO"}},
    "MaxWebservers": 4,
    "MaxWorkers": 7,
    "MinWebservers": 2,
    "MinWorkers": 2,
    "NetworkConfiguration": {"SubnetIds": ["subnet-a", "subnet-b"], "SecurityGroupIds": ["sg-a"]},
    "PluginsS3ObjectVersion": "v1",
    "PluginsS3Path": "plugins.zip",
    "RequirementsS3ObjectVersion": "v2",
    "RequirementsS3Path": "requirements.txt",
    "Schedulers": 3,
    "SourceBucketArn": "arn:aws:s3:::dags",
    "StartupScriptS3ObjectVersion": "v3",
    "StartupScriptS3Path": "startup.sh",
    "Tags": {"owner": "data"},
    "WebserverAccessMode": "PUBLIC_ONLY",
    "WeeklyMaintenanceWindowStart": "MON:01:00",
}


ASKING = """
import boto3, urllib.request
def heard(call):
    try:
        call()
        return "answered"
    except Exception as error:
        return getattr(error, "response", {}).get("Error", {}).get("Code") or type(error).__name__
def handler(event, context):
    mwaa = boto3.client("mwaa")
    token = mwaa.create_cli_token(Name="mwaa")
    url = f"https://{token['WebServerHostname']}/aws_mwaa/cli"
    request = urllib.request.Request(url, b"version", {"Authorization": "Bearer " + token["CliToken"]})
    rest = heard(lambda: mwaa.invoke_rest_api(Name="mwaa", Path="/dags", Method="GET"))
    return rest + " " + heard(lambda: urllib.request.urlopen(request))
"""


class Airflow(BaseHTTPRequestHandler):
    """A web server that tells what it was asked."""

    def _answer(self) -> None:
        asked = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        status = 404 if "missing" in self.path else 500 if "broken" in self.path else 200
        scheme = self.headers.get("X-Forwarded-Proto")
        front = {"front": f"{scheme}://{self.headers['Host']}"} if scheme else {}
        body = json.dumps({"method": self.command, "path": self.path, "body": asked, **front}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PATCH = _answer  # noqa: N815 - the names that http.server calls

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def airflow() -> Iterator[str]:
    """The URL of a web server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Airflow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def available(build: Builder, name: str = "mwaa", **more: Any) -> None:
    """Create an environment and wait for it."""
    build.aws.mwaa.pace(create=0, update=0, delete=0)
    build.environment(name, **more)
    eventually(lambda: build.status(name) == "AVAILABLE")


def error(call: Any, **arguments: Any) -> dict[str, Any]:
    """The response of a call that is refused."""
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return dict(refused.value.response)


def test_every_field_of_a_creation_comes_back(build: Builder) -> None:
    mwaa = build.client("mwaa")
    takes = mwaa.meta.service_model.operation_model("CreateEnvironment").input_shape.members
    assert set(EVERYTHING) == set(takes) - {"Name"}, "the table above is the whole model"
    build.environment(**EVERYTHING)
    found = mwaa.get_environment(Name="mwaa")["Environment"]
    assert {name: found[name] for name in EVERYTHING} == EVERYTHING


def test_an_environment_is_created_available_and_then_has_a_web_server(build: Builder, aws: LocalAws) -> None:
    aws.mwaa.pace(create=1)
    build.environment()
    assert build.status() == "CREATING"
    eventually(lambda: build.status() == "AVAILABLE")
    assert ":" in build.client("mwaa").get_environment(Name="mwaa")["Environment"]["WebserverUrl"]


def test_a_creation_fails_on_demand_with_its_reason(build: Builder, aws: LocalAws) -> None:
    aws.mwaa.pace(create=0)
    aws.mwaa.fail_creation("us-east-1", "mwaa", code="INCORRECT_CONFIGURATION", message="no route")
    build.environment()
    eventually(lambda: build.status() == "CREATE_FAILED")
    update = build.client("mwaa").get_environment(Name="mwaa")["Environment"]["LastUpdate"]
    assert update["Error"] == {"ErrorCode": "INCORRECT_CONFIGURATION", "ErrorMessage": "no route"}


def test_a_creation_never_ends_on_demand_and_only_that_one(build: Builder, aws: LocalAws) -> None:
    aws.mwaa.pace(create=0)
    aws.mwaa.never_create("us-east-1", "stuck")
    build.environment("stuck")
    available(build, "other")
    assert build.status("stuck") == "CREATING"


def test_a_change_ends_when_somebody_says_so_whatever_the_pace(build: Builder, aws: LocalAws) -> None:
    aws.mwaa.pace(create=3600, update=3600)
    build.environment()
    aws.mwaa.finish("us-east-1", "mwaa")
    assert build.status() == "AVAILABLE"
    build.client("mwaa").update_environment(Name="mwaa", MaxWorkers=9)
    assert [one.wanted for one in aws.mwaa.environments()] == [{"MaxWorkers": 9}]
    aws.mwaa.finish("us-east-1", "mwaa")
    assert [(one.fields["MaxWorkers"], one.wanted) for one in aws.mwaa.environments()] == [(9, {})]


def test_every_environment_is_told_also_of_a_silent_region(build: Builder, aws: LocalAws) -> None:
    available(build)
    aws.silence("us-east-1")
    assert [(one.region, one.name, one.status) for one in aws.mwaa.environments()] == [
        ("us-east-1", "mwaa", "AVAILABLE")
    ]


def test_deleting_takes_its_time_and_then_it_is_not_found(build: Builder, aws: LocalAws) -> None:
    available(build)
    aws.mwaa.pace(delete=1)
    mwaa = build.client("mwaa")
    mwaa.delete_environment(Name="mwaa")
    assert build.status() == "DELETING"
    eventually(lambda: mwaa.list_environments()["Environments"] == [])
    refused = error(mwaa.get_environment, Name="mwaa")
    assert refused["Error"]["Code"] == "ResourceNotFoundException"
    assert refused["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_an_update_goes_through_updating(build: Builder, aws: LocalAws) -> None:
    available(build)
    aws.mwaa.pace(update=1)
    build.client("mwaa").update_environment(Name="mwaa", MaxWorkers=9)
    assert build.status() == "UPDATING"
    eventually(lambda: build.status() == "AVAILABLE")
    assert build.client("mwaa").get_environment(Name="mwaa")["Environment"]["MaxWorkers"] == 9


def test_what_is_busy_cannot_be_updated_or_deleted(build: Builder, aws: LocalAws) -> None:
    build.environment()
    for call in ("update_environment", "delete_environment"):
        assert error(getattr(build.client("mwaa"), call), Name="mwaa")["Error"]["Code"] == "ValidationException"


def test_an_environment_exists_in_its_own_region_only(build: Builder, aws: LocalAws) -> None:
    build.environment()
    assert aws.client("mwaa", "us-west-2").list_environments()["Environments"] == []


def test_a_creation_that_the_model_does_not_allow_is_refused(build: Builder) -> None:
    build.environment()
    with pytest.raises(ClientError, match=r"ValidationException.*already exists"):
        build.environment()
    with pytest.raises(ClientError, match=r"ValidationException.*WebserverAccessMode"):
        build.environment("other", WebserverAccessMode="PRIVATE")
    with pytest.raises(ClientError, match=r"ValidationException.*two subnets"):
        build.environment("other", NetworkConfiguration={"SubnetIds": ["a", "b", "c"], "SecurityGroupIds": ["d"]})


def test_the_cli_goes_to_the_web_server_with_a_good_token_only(build: Builder, aws: LocalAws, airflow: str) -> None:
    available(build)
    aws.mwaa.web_server("us-east-1", "mwaa", airflow)
    given = build.client("mwaa").create_cli_token(Name="mwaa")
    function = build.function(
        """
        import urllib.error, urllib.request
        def handler(event, context):
            headers = {"Authorization": f"Bearer {event['token']}", "Content-Type": "text/plain"}
            url = f"https://{event['host']}/aws_mwaa/cli"
            try:
                with urllib.request.urlopen(urllib.request.Request(url, b"dags list", headers)) as answer:
                    return answer.read().decode()
            except urllib.error.HTTPError as error:
                return error.code
        """
    )

    def ask(token: str) -> Any:
        event = json.dumps({"host": given["WebServerHostname"], "token": token}).encode()
        return json.loads(build.client("lambda").invoke(FunctionName=function, Payload=event)["Payload"].read())

    front = f"https://{given['WebServerHostname']}"
    asked = {"method": "POST", "path": "/aws_mwaa/cli", "body": "dags list", "front": front}
    assert json.loads(ask(given["CliToken"])) == asked
    assert ask("stolen") == 403


@pytest.mark.parametrize(
    ("mode", "vpc", "heard"),
    [
        ("PRIVATE_ONLY", {}, "AccessDeniedException RemoteDisconnected"),
        ("PRIVATE_ONLY", {"SubnetIds": ["subnet-a"], "SecurityGroupIds": ["sg-a"]}, "answered answered"),
        ("PUBLIC_ONLY", {}, "answered answered"),
    ],
)
def test_a_private_web_server_answers_functions_in_a_vpc_only(
    build: Builder, aws: LocalAws, airflow: str, mode: str, vpc: dict[str, Any], heard: str
) -> None:
    available(build, WebserverAccessMode=mode)
    aws.mwaa.web_server("us-east-1", "mwaa", airflow)
    function = build.function(ASKING, vpc=vpc)
    answer = build.client("lambda").invoke(FunctionName=function)["Payload"].read()
    assert json.loads(answer) == heard


@pytest.mark.parametrize(("version", "base"), [("2.10.3", "/api/v1"), ("3.0.6", "/api/v2")])
def test_a_rest_call_goes_to_the_web_server(
    build: Builder, aws: LocalAws, airflow: str, version: str, base: str
) -> None:
    available(build, AirflowVersion=version)
    aws.mwaa.web_server("us-east-1", "mwaa", airflow)
    answer = build.client("mwaa").invoke_rest_api(
        Name="mwaa", Path="/dags", Method="PATCH", QueryParameters={"limit": 5}, Body={"is_paused": False}
    )
    assert answer["RestApiStatusCode"] == 200
    assert answer["RestApiResponse"]["path"] == f"{base}/dags?limit=5"
    assert json.loads(answer["RestApiResponse"]["body"]) == {"is_paused": False}


def test_a_rest_path_has_at_most_64_characters(build: Builder) -> None:
    available(build)
    refused = error(build.client("mwaa").invoke_rest_api, Name="mwaa", Path="/" + "x" * 64, Method="GET")
    assert refused["Error"]["Code"] == "ValidationException"


@pytest.mark.parametrize(
    ("path", "name", "status"),
    [("/missing", "RestApiClientException", 404), ("/broken", "RestApiServerException", 500)],
)
def test_a_rest_call_that_fails_carries_the_web_servers_answer(
    build: Builder, aws: LocalAws, airflow: str, path: str, name: str, status: int
) -> None:
    available(build)
    aws.mwaa.web_server("us-east-1", "mwaa", airflow)
    refused = error(build.client("mwaa").invoke_rest_api, Name="mwaa", Path=path, Method="GET")
    assert (refused["Error"]["Code"], refused["RestApiStatusCode"]) == (name, status)
    assert refused["RestApiResponse"]["path"] == f"/api/v1{path}"
    assert refused["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_before_it_is_available_there_is_no_web_server(build: Builder, aws: LocalAws) -> None:
    build.environment()
    assert error(build.client("mwaa").create_cli_token, Name="mwaa")["Error"]["Code"] == "ResourceNotFoundException"


def test_tags_are_added_and_removed(build: Builder) -> None:
    arn, mwaa = build.environment(Tags={"a": "1"})["Arn"], build.client("mwaa")
    mwaa.tag_resource(ResourceArn=arn, Tags={"b": "2"})
    mwaa.untag_resource(ResourceArn=arn, tagKeys=["a"])
    assert mwaa.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"b": "2"}


def test_every_token_that_was_given_can_be_searched_for(build: Builder, aws: LocalAws) -> None:
    available(build)
    mwaa = build.client("mwaa")
    given = [mwaa.create_cli_token(Name="mwaa")["CliToken"], mwaa.create_web_login_token(Name="mwaa")["WebToken"]]
    assert aws.mwaa.tokens() == given
