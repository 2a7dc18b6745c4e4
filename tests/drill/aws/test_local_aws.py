"""It starts, is ours alone, refuses what is real, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from drill.aws import LocalAws, LocalAwsError
from drill.aws.local_aws import require_local
from tests.support.local_aws import Builder, eventually

PROJECT = Path(__file__).resolve().parents[3]


def test_two_run_at_once_and_do_not_see_each_other(aws: LocalAws, build: Builder, tmp_path: Path) -> None:
    build.bucket("mine")
    with LocalAws.start(tmp_path) as other:
        assert other.client("s3").list_buckets()["Buckets"] == []


def test_a_reset_forgets_resources_faults_and_calls(aws: LocalAws, build: Builder) -> None:
    build.bucket("mine")
    aws.silence("us-east-1")
    aws.reset()
    assert aws.calls() == []
    assert aws.client("s3").list_buckets()["Buckets"] == []


@pytest.mark.parametrize("url", ["https://s3.us-east-1.amazonaws.com", "http://10.0.0.1:4566", ""])
def test_an_endpoint_that_is_not_on_this_machine_is_refused(url: str) -> None:
    with pytest.raises(LocalAwsError, match="is not on this machine"):
        require_local(url)


def test_child_processes_see_this_aws_only(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://s3.amazonaws.com")
    seen = {name: value for name, value in aws.environment().items() if name.startswith(("AWS_", "CDK_"))}
    assert seen["AWS_ENDPOINT_URL"] == aws.url
    assert not {"AWS_PROFILE", "AWS_ENDPOINT_URL_S3"} & set(seen)


def test_the_account_is_the_one_that_was_asked_for(tmp_path: Path) -> None:
    with LocalAws.start(tmp_path, account="111122223333") as aws:
        build = Builder(aws)
        assert aws.client("sts").get_caller_identity()["Account"] == "111122223333"
        code = "import boto3\ndef handler(event, context): return boto3.client('sts').get_caller_identity()['Account']"
        answer = aws.client("lambda").invoke(FunctionName=build.function(code))
        assert answer["Payload"].read() == b'"111122223333"'


def test_a_deployment_to_somewhere_else_is_refused(aws: LocalAws) -> None:
    with pytest.raises(LocalAwsError, match="is not on this machine"):
        aws.deploy(app="true", settings={"AWS_ENDPOINT_URL": "https://cloudformation.us-east-1.amazonaws.com"})


def test_a_folder_whose_name_is_long_holds_no_socket(tmp_path: Path) -> None:
    with LocalAws.start(tmp_path / ("long" * 20)) as aws:
        arn = Builder(aws).function("def handler(event, context): return event")
        assert aws.client("lambda").invoke(FunctionName=arn, Payload=b"{}")["Payload"].read() == b"{}"


def test_a_client_after_the_end_says_so(tmp_path: Path) -> None:
    with LocalAws.start(tmp_path) as aws:
        pass
    with pytest.raises(LocalAwsError, match="has stopped"):
        aws.client("s3")


def test_nothing_is_left_when_the_parent_crashes(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(tmp_path)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout
    assert parent.stdout.readline() == "ready\n"
    children = psutil.Process(parent.pid).children(recursive=True)
    assert len(children) == 4, "the simulator, a Lambda worker, and multiprocessing's two that it is forked by"
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    eventually(lambda: not any(child.is_running() for child in children))


_PARENT = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    from drill.aws import LocalAws
    from tests.support.local_aws import Builder

    with LocalAws.start(Path(sys.argv[1])) as aws:
        build = Builder(aws)
        arn = build.function("def handler(event, context): return event")
        aws.client("lambda").invoke(FunctionName=arn, Payload=b"{}")
        print("ready", flush=True)
        time.sleep(600)
    """
)
