"""Calls of the REST API: pages, pace, further attempts, and refusals without a secret."""

from __future__ import annotations

import io
import json
import re
import urllib.error
import urllib.request
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from mwaa_dr.framework.config_only import carriers
from mwaa_dr.framework.config_only.carriers import ByMwaa, ByUrl
from mwaa_dr.framework.config_only.rest import PAUSES, Answer, Pace
from mwaa_dr.framework.errors import ApiError
from tests.support.memory_airflow import MemoryAirflow

SECRET = "the-secret"


def test_a_collection_is_read_page_by_page_whatever_comes_of_it() -> None:
    airflow = MemoryAirflow()
    for number in range(250):
        airflow.dag(f"dag_{number:03}")
    rows = airflow.reached.api.pages("/dags", "dags")
    assert next(rows)["dag_id"] == "dag_000"
    assert len(airflow.calls) == 1, "the second page is asked for when it is wanted"
    assert [row["dag_id"] for row in rows] == [f"dag_{number:03}" for number in range(1, 250)]
    assert len(airflow.calls) == 3


def test_a_page_that_is_empty_ends_it() -> None:
    class Odd(MemoryAirflow):
        def send(self, *call: Any) -> Answer:
            return Answer(200, {"dags": [], "total_entries": 7})

    assert [*Odd().reached.api.pages("/dags", "dags")] == []


@pytest.mark.parametrize("body", [None, {}, {"dags": None, "total_entries": 1}, {"dags": []}, "a page of a proxy"])
def test_an_answer_that_is_no_list_is_never_an_empty_one(body: Any) -> None:
    class Odd(MemoryAirflow):
        def send(self, *call: Any) -> Answer:
            return Answer(200, body)

    with pytest.raises(ApiError, match="answers GET /dags with no list of dags"):
        [*Odd().reached.api.pages("/dags", "dags")]


def test_no_second_has_more_calls_than_its_share() -> None:
    now, calls = [0.0], []
    pace = Pace(8, clock=lambda: now[0], sleep=lambda seconds: now.__setitem__(0, now[0] + seconds))
    for number in range(40):
        pace.wait()
        calls.append(now[0])
        now[0] += 0.3 if number == 20 else 0.01  # one of them takes long: those after it do not make up for it
    for start in calls:
        assert sum(start <= moment < start + 1 for moment in calls) <= 9


def test_what_passes_is_tried_again_and_what_stays_is_raised() -> None:
    airflow = MemoryAirflow(failing=[429, 503])
    assert [*airflow.reached.api.pages("/variables", "variables")] == []
    assert airflow.slept == sum(PAUSES[:2])
    airflow.failing = [503] * 99
    with pytest.raises(ApiError, match="cannot GET /variables by the memory: Airflow answers 503"):
        airflow.reached.api.call("GET", "/variables")
    assert len(airflow.failing) == 99 - len(PAUSES) - 1


def test_a_refusal_names_the_fields_and_no_value() -> None:
    airflow = MemoryAirflow()
    airflow.connection_of("a/b", password=SECRET)
    with pytest.raises(ApiError) as error:
        airflow.reached.api.call("POST", "/connections", {"connection_id": "a/b", "password": SECRET})
    assert "422, string_pattern_mismatch at body.connection_id" in str(error.value)
    assert SECRET not in str(error.value)


def test_who_may_not_is_told_which_right_is_missing() -> None:
    with pytest.raises(ApiError, match=re.escape("airflow:InvokeRestApi on role/<environment>/Admin")):
        MemoryAirflow(failing=[403]).reached.api.call("GET", "/variables")


def test_a_path_that_mwaa_would_not_take_is_not_sent() -> None:
    airflow = MemoryAirflow()
    with pytest.raises(ApiError, match="the path has 66 of 64 characters"):
        airflow.reached.api.call("GET", f"/{'x' * 65}")
    assert airflow.calls == []


@pytest.fixture
def mwaa() -> Any:
    return boto3.client("mwaa", region_name="eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing")


def test_mwaa_carries_a_call_and_what_airflow_says(mwaa: Any) -> None:
    with Stubber(mwaa) as stub:
        expected = {"Name": "prod", "Method": "GET", "Path": "/dags", "QueryParameters": {"limit": 100}}
        stub.add_response("invoke_rest_api", {"RestApiStatusCode": 200, "RestApiResponse": {"dags": []}}, expected)
        assert ByMwaa("prod", "eu-west-1", mwaa).send("GET", "/dags", None, {"limit": 100}) == Answer(200, {"dags": []})


@pytest.mark.parametrize("kind", ["RestApiClientException", "RestApiServerException"])
def test_an_error_of_airflow_is_an_answer_although_both_are_http_400(mwaa: Any, kind: str) -> None:
    with Stubber(mwaa) as stub:
        said = {"RestApiStatusCode": 409, "RestApiResponse": {"detail": "there"}}
        stub.add_client_error("invoke_rest_api", kind, http_status_code=400, modeled_fields=said)
        answer = ByMwaa("prod", "eu-west-1", mwaa).send("POST", "/pools", {"name": "p"}, {})
        assert (answer.status, answer.body) == (409, {"detail": "there"})


def test_a_throttled_call_is_one_for_later(mwaa: Any) -> None:
    with Stubber(mwaa) as stub:
        stub.add_client_error("invoke_rest_api", "ThrottlingException", http_status_code=400)
        assert ByMwaa("prod", "eu-west-1", mwaa).send("GET", "/dags", None, {}).status == 429


def test_a_role_without_the_right_is_told(mwaa: Any) -> None:
    with Stubber(mwaa) as stub:
        stub.add_client_error("invoke_rest_api", "AccessDeniedException", "is not authorized", 403)
        with pytest.raises(ApiError, match="access is denied") as error:
            ByMwaa("prod", "eu-west-1", mwaa).send("GET", "/dags", None, {})
        assert error.value.hint.startswith("The execution role needs airflow:InvokeRestApi")


class Server:
    """Stands where an API server is asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tokens = iter(["first", "second"])
        self.valid = "first"
        self.asked: list[str] = []
        monkeypatch.setattr(carriers, "urlopen", self.open)

    def open(self, request: urllib.request.Request, timeout: float) -> Any:
        url = request.full_url
        self.asked.append(url)
        if url.endswith("/auth/token"):
            assert json.loads(bytes(request.data or b"")) == {"username": "dr", "password": SECRET}  # type: ignore[arg-type]
            return self._reply(201, {"access_token": next(self.tokens)})
        if request.headers["Authorization"] != f"Bearer {self.valid}":
            raise urllib.error.HTTPError(url, 401, "no", None, io.BytesIO(b"{}"))  # type: ignore[arg-type]
        return self._reply(200, {"dags": []})

    def _reply(self, status: int, body: Any) -> Any:
        reply = io.BytesIO(json.dumps(body).encode())
        reply.status = status  # type: ignore[attr-defined]
        return reply


def test_an_api_server_is_asked_with_a_token_that_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch)
    carrier = ByUrl("http://airflow:8080/", "dr", SECRET)
    assert carrier.send("GET", "/dags", None, {"exclude_stale": False}).status == 200
    server.valid = "second"
    assert carrier.send("GET", "/dags", None, {}).body == {"dags": []}
    assert server.asked[1] == "http://airflow:8080/api/v2/dags?exclude_stale=false"
    assert [url.rpartition("/")[2] for url in server.asked] == [
        "token",
        "dags?exclude_stale=false",
        "dags",
        "token",
        "dags",
    ]
    assert SECRET not in repr(carrier.name)


def test_an_api_server_that_is_not_there_is_one_for_later() -> None:
    assert ByUrl("http://127.0.0.1:1").send("GET", "/dags", None, {}).status == 503


@pytest.mark.parametrize("url", ["", "airflow:8080", "file:///etc/passwd", "http://"])
def test_a_connection_without_a_url_is_refused(url: str) -> None:
    with pytest.raises(ApiError, match="has no URL"):
        ByUrl(url)
