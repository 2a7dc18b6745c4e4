"""Who answers, who is silent, and who does not tell."""

from __future__ import annotations

import threading

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
    SSLError,
)
from botocore.parsers import ResponseParserError

from lib.functions.health.calls import Outcome, ask

URL = {"endpoint_url": "https://airflow.example"}


def answered(status: int, code: str) -> ClientError:
    error = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(error, "GetEnvironment")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (EndpointConnectionError(**URL), Outcome.NO_ANSWER),
        (ConnectTimeoutError(**URL), Outcome.NO_ANSWER),
        (ReadTimeoutError(**URL), Outcome.NO_ANSWER),
        (ConnectionClosedError(**URL), Outcome.NO_ANSWER),
        (ResponseParserError("not JSON"), Outcome.NO_ANSWER),
        (answered(500, "InternalServerException"), Outcome.NO_ANSWER),
        (answered(503, "ServiceUnavailableException"), Outcome.NO_ANSWER),
        (answered(502, "502"), Outcome.NO_ANSWER),
        (answered(503, "Throttling"), Outcome.NOT_TOLD),
        (answered(429, "TooManyRequestsException"), Outcome.NOT_TOLD),
        (answered(400, "ThrottlingException"), Outcome.NOT_TOLD),
        (answered(403, "AccessDeniedException"), Outcome.NOT_TOLD),
        (answered(400, "ValidationException"), Outcome.NOT_TOLD),
        (NoCredentialsError(), Outcome.NOT_TOLD),
        (SSLError(error="certificate", **URL), Outcome.NOT_TOLD),  # that is on our side
        (KeyError("Environment"), Outcome.NOT_TOLD),
    ],
)
def test_only_what_a_region_that_is_down_looks_like_counts_as_silence(error: Exception, outcome: Outcome) -> None:
    def call() -> None:
        raise error

    assert ask({"mwaa": call}, seconds=5)["mwaa"].outcome is outcome


def test_what_was_answered_is_handed_on() -> None:
    reply = ask({"mwaa": lambda: {"Status": "AVAILABLE"}}, seconds=5)["mwaa"]
    assert (reply.outcome, reply.value) == (Outcome.ANSWERED, {"Status": "AVAILABLE"})


def test_calls_are_made_at_the_same_time() -> None:
    both = threading.Barrier(2)
    replies = ask({"one": lambda: both.wait(10), "other": lambda: both.wait(10)}, seconds=20)
    assert {reply.outcome for reply in replies.values()} == {Outcome.ANSWERED}


def test_a_call_that_never_ends_is_silent_and_holds_nobody_up() -> None:
    never = threading.Event()
    replies = ask({"hangs": never.wait, "answers": lambda: True}, seconds=0.2)
    assert (replies["hangs"].outcome, replies["answers"].outcome) == (Outcome.NO_ANSWER, Outcome.ANSWERED)
    never.set()
