"""The answer to the Step Functions task that waits for a run: heartbeats, then success or failure."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from mwaa_dr.framework import aws

logger = logging.getLogger(__name__)

ALREADY_ANSWERED = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})
"""https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html#API_SendTaskSuccess_Errors"""

ERROR_LIMIT = 256
CAUSE_LIMIT = 32_768


class TaskToken:
    """One waiting task; whatever goes wrong while answering is logged without the token and not raised."""

    def __init__(self, token: str, region: str = "", states: Any = None) -> None:
        self._token = token
        self._region = region
        self._states = states

    def succeed(self, output: Mapping[str, object]) -> None:
        """Answer with success and a small document."""
        self._answer("success", "send_task_success", output=json.dumps(output))

    def fail(self, error: str, cause: str) -> None:
        """Answer with failure."""
        self._answer("failure", "send_task_failure", error=error[:ERROR_LIMIT], cause=cause[:CAUSE_LIMIT])

    def beat(self) -> bool:
        """Tell that the work goes on; False once nobody waits any more."""
        code = self._send("send_task_heartbeat")
        if code in ALREADY_ANSWERED:
            logger.warning("the workflow does not wait any more (%s), the work goes on without it", code)
            return False
        if code:
            logger.warning("a heartbeat to the workflow failed (%s), the next one follows", code)
        return True

    def _answer(self, answer: str, method: str, **arguments: str) -> None:
        code = self._send(method, **arguments)
        if not code:
            logger.info("answered the workflow: %s", answer)
        elif code in ALREADY_ANSWERED:
            logger.info("the workflow does not wait any more (%s)", code)
        else:
            logger.error("the workflow could not be told of the %s (%s)", answer, code)

    def _send(self, method: str, **arguments: str) -> str:
        """Call Step Functions; return the code of the error, or nothing."""
        try:
            self._states = self._states or aws.client("stepfunctions", self._region)
            getattr(self._states, method)(taskToken=self._token, **arguments)
        except Exception as err:  # noqa: BLE001 - no trouble with the answer may end or change the work
            return aws.error_code(err)
        return ""
