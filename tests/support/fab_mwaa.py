"""MWAA with a real Airflow 3 behind it whose auth manager is FAB, as on MWAA; the caller is an Admin."""

from __future__ import annotations

from typing import Any

from tests.support.mwaa import Mwaa, RestCall
from tests.support.real_airflow import RealAirflow
from tests.support.real_mwaa import PASSWORD, RealMwaa

USER = ("users", "create", "-u", "mwaa", "-p", PASSWORD, "-f", "f", "-l", "l", "-e", "e@x.org", "-r", "Admin")


class FabMwaa(RealMwaa):
    """Connects the two; calls go to the API server that comes with the scheduler."""

    def __init__(self, mwaa: Mwaa, airflow: RealAirflow) -> None:
        self._airflow, self._is_old, self._url = airflow, False, airflow.api_url
        self._authorization = ""
        airflow.run("airflow", *USER)
        mwaa.rest = self.rest

    def rest(self, call: RestCall) -> tuple[int, Any]:
        """Make a call, as InvokeRestApi does."""
        self._authorization = self._authorization or self._log_in()
        return super().rest(call)

    def _log_in(self) -> str:
        _, granted = self._request("POST", "/auth/token", {"username": "mwaa", "password": PASSWORD}, {})
        return f"Bearer {granted['access_token']}"
