"""The ways of a task to REST and to the values of the Task SDK."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mwaa_dr.framework import compat
from mwaa_dr.framework.errors import ApiError, SettingError
from mwaa_dr.framework.model.settings import Settings

if TYPE_CHECKING:
    from mwaa_dr.framework.config_only.rest import Carrier
    from mwaa_dr.framework.config_only.values import ConnectionValues

NAME = "AIRFLOW_ENV_NAME"
"""Set in every container of MWAA, and protected there."""


def carrier(settings: Settings, environ: Mapping[str, str] = os.environ) -> Carrier:
    """The way to the REST API: the one that somebody named, else MWAA's of this environment."""
    from mwaa_dr.framework.config_only.carriers import ByMwaa, ByUrl

    if not settings.api_conn_id:
        return ByMwaa(environ.get(NAME) or settings.environment_name, settings.region)
    found = compat.connection(settings.api_conn_id)
    if found is None:
        raise SettingError(
            f"DR_API_CONN_ID names '{settings.api_conn_id}', which is no Connection here",
            "Its host is the URL of the API server, its login and password those of a user.",
        )
    return ByUrl(found.host or "", found.login or "", found.password or "")


class SdkValues:
    """What the Task SDK gives to the task that runs."""

    def variable(self, key: str) -> str | None:
        """The value of a Variable; None where a task gets none."""
        try:
            return compat.variable(key)
        except Exception:  # noqa: BLE001 - each version and each secrets backend has its own, which may show a secret
            return None

    def connection(self, conn_id: str) -> ConnectionValues | None:
        """The values of a Connection; None where a task gets none."""
        from mwaa_dr.framework.config_only.values import ConnectionValues

        found = compat.connection(conn_id)
        if found is None:
            return None
        return ConnectionValues(
            found.conn_type, found.host, found.schema, found.login, found.port, found.password, found.extra
        )

    def set_variable(self, key: str, value: str, description: str | None) -> None:
        """Set a Variable; raises ApiError where it is not there afterwards."""
        # Airflow 3.0 only logs that it could not.
        if not compat.set_variable(key, value, description) or self.variable(key) is None:
            raise ApiError(f"variable '{key}' cannot be set by a task", "Look at the log of the API server.")
