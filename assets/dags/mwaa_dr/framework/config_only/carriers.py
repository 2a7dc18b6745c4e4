"""The ways to an environment's REST API: MWAA's InvokeRestApi, or an API server by its URL."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from mwaa_dr.framework import aws
from mwaa_dr.framework.config_only.rest import ROLE_HINT, Answer
from mwaa_dr.framework.errors import ApiError

SECONDS = 60.0
THROTTLED = frozenset({"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"})
DENIED = frozenset({"AccessDeniedException", "AccessDenied"})
NO_WAY = "The workers need a way to the endpoint env.airflow of their Region: a NAT gateway, or an interface endpoint."


class ByMwaa:
    """InvokeRestApi, with the rights of the execution role.

    https://docs.aws.amazon.com/mwaa/latest/userguide/access-mwaa-apache-airflow-rest-api.html
    """

    def __init__(self, environment: str, region: str, mwaa: Any = None) -> None:
        self.name = f"InvokeRestApi of '{environment}'"
        self._environment, self._region, self._mwaa = environment, region, mwaa

    def send(self, method: str, path: str, body: Mapping[str, Any] | None, query: Mapping[str, Any]) -> Answer:
        """Carry one call."""
        asked = {"Body": dict(body)} if body is not None else {}
        asked |= {"QueryParameters": dict(query)} if query else {}
        try:
            self._mwaa = self._mwaa or aws.patient_client("mwaa", self._region)
            found = self._mwaa.invoke_rest_api(Name=self._environment, Method=method, Path=path, **asked)
        except aws.failures() as err:
            # Not `from err`: an answer of Airflow may repeat what it was sent.
            return self._answered(err, f"{method} {path}")
        return Answer(int(found.get("RestApiStatusCode", 500)), found.get("RestApiResponse"))

    def _answered(self, err: Exception, what: str) -> Answer:
        response, code = getattr(err, "response", None) or {}, aws.error_code(err)
        # Both RestApiClientException and RestApiServerException carry what Airflow said.
        if "RestApiStatusCode" in response:
            return Answer(int(response["RestApiStatusCode"]), response.get("RestApiResponse"))
        if code in THROTTLED:
            return Answer(429)
        if aws.is_unreachable(err):
            raise ApiError(f"cannot {what} by {self.name}: MWAA cannot be reached ({code})", NO_WAY) from None
        reason, hint = aws.explain(err)
        hint = ROLE_HINT if code in DENIED else hint
        raise ApiError(f"cannot {what} by {self.name}: {reason}", hint) from None


class ByUrl:
    """An API server elsewhere; the user gets a token as every auth manager of Airflow 3 gives it."""

    def __init__(self, url: str, user: str = "", password: str = "") -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ApiError("the Connection to the API server has no URL", "Its host is a URL, as https://host:8080.")
        self.name = f"the API server {parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
        self._url, self._user, self._password = url.rstrip("/"), user, password
        self._token = ""

    def send(self, method: str, path: str, body: Mapping[str, Any] | None, query: Mapping[str, Any]) -> Answer:
        """Carry one call; a token that has expired is renewed once."""
        place = f"/api/v2{path}" + (f"?{urlencode({k: _text(v) for k, v in query.items()})}" if query else "")
        fresh = not self._token
        answer = self._ask(method, place, body, self._given())
        if answer.status == 401 and not fresh:
            self._token = ""
            answer = self._ask(method, place, body, self._given())
        return answer

    def _given(self) -> str:
        if not self._token and self._user:
            answer = self._ask("POST", "/auth/token", {"username": self._user, "password": self._password}, "")
            found = answer.body.get("access_token") if isinstance(answer.body, Mapping) else None
            if not found:
                raise ApiError(
                    f"{self.name} gives no token: it answers {answer.status}",
                    "Check the user and the password of the Connection.",
                )
            self._token = str(found)
        return self._token

    def _ask(self, method: str, place: str, body: Mapping[str, Any] | None, token: str) -> Answer:
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        data = None if body is None else json.dumps(body).encode()
        request = Request(self._url + place, data, headers, method=method)  # noqa: S310 - its scheme was checked
        try:
            with urlopen(request, timeout=SECONDS) as found:  # noqa: S310 - as above
                return Answer(found.status, _read(found.read()))
        except HTTPError as err:
            return Answer(err.code, _read(err.read()))
        except (URLError, HTTPException, OSError):
            return Answer(503)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _read(data: bytes) -> Any:
    try:
        return json.loads(data) if data else None
    except ValueError:
        return None
