"""Custom resources answer whatever happens, in less than 4 KB."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from lib.functions import cfn
from lib.functions.errors import Misconfigured, NotReady

ARN = "arn:aws:lambda:us-east-1:111122223333:function:resource"


@dataclass
class Context:
    """Lambda's, as far as it is asked."""

    remaining: int = 900_000
    invoked_function_arn: str = ARN

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining


@dataclass
class Outside:
    """What the handler does to the world."""

    answers: list[dict[str, Any]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    invoked: list[dict[str, Any]] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    refusals: int = 0

    def urlopen(self, request: Any, timeout: float) -> Outside:
        if self.refusals:
            self.refusals -= 1
            raise urllib.error.URLError("no route")
        self.sizes.append(len(request.data))
        self.answers.append(json.loads(request.data))
        return self

    def client(self, service: str, region: str) -> Outside:
        assert (service, region) == ("lambda", "us-east-1")
        return self

    def invoke(self, **arguments: Any) -> None:
        self.invoked.append(arguments)

    def close(self) -> None: ...


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Outside:
    world = Outside()
    monkeypatch.setattr(urllib.request, "urlopen", world.urlopen)
    monkeypatch.setattr(cfn, "client", world.client)
    monkeypatch.setattr(time, "sleep", world.slept.append)
    return world


def event(kind: str = "Create", **changes: Any) -> dict[str, Any]:
    return {
        "RequestType": kind,
        "ResponseURL": "https://cloudformation.example/answer?signature=x",
        "StackId": "arn:aws:cloudformation:us-east-1:111122223333:stack/s/1",
        "RequestId": "r1",
        "LogicalResourceId": "Resource",
        "ResourceProperties": {"ServiceToken": ARN, "ServiceTimeout": "3600", "Bucket": "b"},
        **changes,
    }


def created(_: cfn.Request) -> cfn.Result:
    return cfn.Result("b/dags", {"Count": "3"})


def test_what_was_done_is_answered_with_its_attributes(outside: Outside) -> None:
    cfn.serve(created)(event(), Context())

    assert outside.answers == [
        {
            "Status": "SUCCESS",
            "PhysicalResourceId": "b/dags",
            "StackId": "arn:aws:cloudformation:us-east-1:111122223333:stack/s/1",
            "RequestId": "r1",
            "LogicalResourceId": "Resource",
            "Data": {"Count": "3"},
        }
    ]


def test_the_resource_sees_its_own_properties_only(outside: Outside) -> None:
    seen: list[Mapping[str, Any]] = []

    def act(request: cfn.Request) -> cfn.Result:
        seen.extend([request.properties, request.old_properties])
        return cfn.Result(request.physical_id)

    cfn.serve(act)(event("Update", PhysicalResourceId="p", OldResourceProperties={"Bucket": "a"}), Context())

    assert seen == [{"Bucket": "b"}, {"Bucket": "a"}]


def test_an_error_is_the_reason_in_the_event_of_the_stack(outside: Outside) -> None:
    def act(_: cfn.Request) -> cfn.Result:
        raise Misconfigured("bucket b is not versioned")

    cfn.serve(act)(event(), Context())

    (answer,) = outside.answers
    assert (answer["Status"], answer["Reason"]) == ("FAILED", "bucket b is not versioned")


@pytest.mark.parametrize("text", ["x" * 20_000, "ü" * 20_000, '"\n' * 10_000])
def test_an_answer_stays_below_4_kb(outside: Outside, text: str) -> None:
    def act(_: cfn.Request) -> cfn.Result:
        raise Misconfigured(text)

    cfn.serve(act)(event(), Context())

    (answer,) = outside.answers
    assert outside.sizes[0] <= 4096
    assert answer["Reason"].endswith(" ...")


def test_attributes_that_do_not_fit_are_left_out(outside: Outside) -> None:
    cfn.serve(lambda _: cfn.Result("p", {"Out": "x" * 5000}))(event(), Context())

    (answer,) = outside.answers
    assert (answer["Status"], "Data" in answer) == ("SUCCESS", False)


def test_a_deletion_of_what_was_never_created_does_nothing(outside: Outside) -> None:
    def fail(_: cfn.Request) -> cfn.Result:
        raise Misconfigured("never")

    cfn.serve(fail)(event(), Context())
    cfn.serve(fail)(event("Delete", PhysicalResourceId=outside.answers[0]["PhysicalResourceId"]), Context())

    assert outside.answers[1]["Status"] == "SUCCESS"


@pytest.mark.parametrize(("always", "status"), [(True, "SUCCESS"), (False, "FAILED")])
def test_a_deletion_that_fails_succeeds_where_it_has_to(outside: Outside, *, always: bool, status: str) -> None:
    def fail(_: cfn.Request) -> cfn.Result:
        raise Misconfigured("the environment is gone")

    cfn.serve(fail, deletes_always=always)(event("Delete", PhysicalResourceId="p"), Context())

    assert [(answer["Status"], answer["PhysicalResourceId"]) for answer in outside.answers] == [(status, "p")]


def test_what_is_not_ready_is_asked_again(outside: Outside) -> None:
    tries = iter([NotReady("updating"), NotReady("updating"), None])

    def act(_: cfn.Request) -> cfn.Result:
        if error := next(tries):
            raise error
        return cfn.Result("p")

    cfn.serve(act)(event(), Context())

    assert outside.slept == [cfn.PAUSE, cfn.PAUSE]
    assert [answer["Status"] for answer in outside.answers] == ["SUCCESS"]


def never(_: cfn.Request) -> cfn.Result:
    raise NotReady("the environment is UPDATING")


def test_the_next_invocation_goes_on_when_one_is_too_short(outside: Outside) -> None:
    cfn.serve(never)(event(), Context(remaining=70_000))

    assert outside.answers == []
    (invoked,) = outside.invoked
    assert (invoked["FunctionName"], invoked["InvocationType"]) == (ARN, "Event")
    handed_on = json.loads(invoked["Payload"])
    assert handed_on["WaitingSince"] > 0
    assert handed_on["RequestId"] == "r1"


def test_the_patience_ends_before_that_of_cloudformation(outside: Outside) -> None:
    cfn.serve(never)(event(WaitingSince=time.time() - 3301), Context())

    (answer,) = outside.answers
    assert answer["Reason"] == "not ready after 55 minutes: the environment is UPDATING"


def test_an_answer_that_does_not_arrive_is_sent_again(outside: Outside) -> None:
    outside.refusals = 2

    cfn.serve(created)(event(), Context())

    assert [answer["Status"] for answer in outside.answers] == ["SUCCESS"]


def test_the_log_has_neither_the_address_of_the_answer_nor_properties(
    outside: Outside, capsys: pytest.CaptureFixture[str]
) -> None:
    cfn.serve(never)(event(WaitingSince=1), Context())

    lines = capsys.readouterr().out
    assert "the request failed" in lines
    assert "signature" not in lines
    assert '"Bucket"' not in lines
