"""AWS as a script: each call of a function is checked against botocore's model and answered in turn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import boto3
from botocore.stub import Stubber

KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}


class StubbedAws:
    """The scripts, one for each service and Region; what has none reaches whatever simulates it."""

    def __init__(self) -> None:
        self._scripts: dict[tuple[str, str], tuple[Any, Stubber]] = {}
        self._real = boto3.client

    def script(self, service: str, region: str) -> Stubber:
        """Where the calls that are expected, and their answers, are added."""
        if (service, region) not in self._scripts:
            client = self._real(service, region_name=region, **KEYS)  # type: ignore[call-overload]
            stubber = Stubber(client)
            stubber.activate()
            self._scripts[service, region] = (client, stubber)
        return self._scripts[service, region][1]

    def client(self, service: str, region_name: str = "", **settings: Any) -> Any:
        """What `boto3.client` returns meanwhile."""
        if (service, region_name) in self._scripts:
            return self._scripts[service, region_name][0]
        return self._real(service, region_name=region_name, **{**settings, **KEYS})  # type: ignore[call-overload]

    def check(self) -> None:
        """Every call that was expected has been made."""
        for _, stubber in self._scripts.values():
            stubber.assert_no_pending_responses()


@contextmanager
def stubbed_aws() -> Iterator[StubbedAws]:
    """Let `boto3.client` give out the scripted clients; at the end nothing may be left of a script."""
    aws = StubbedAws()
    with patch("boto3.client", aws.client):
        yield aws
    aws.check()
