"""AWS as a script: each call of a function is checked against botocore's model and answered in turn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from botocore.stub import Stubber

KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
_REAL = boto3.client


def forget_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let calls be made as by somebody who has not logged in, whatever this machine knows."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)


@cache
def kept_client(service: str, region_name: str) -> Any:
    """Making one takes longer than most tests; moto simulates those, too, that were made before it began."""
    return _REAL(service, region_name=region_name, **KEYS)  # type: ignore[call-overload]


class StubbedAws:
    """The scripts, one for each service and Region; what has none reaches whatever simulates it."""

    def __init__(self) -> None:
        self._scripts: dict[tuple[str, str], Stubber] = {}

    def script(self, service: str, region: str) -> Stubber:
        """Where the calls that are expected, and their answers, are added."""
        if (service, region) not in self._scripts:
            self._scripts[service, region] = Stubber(kept_client(service, region))
            self._scripts[service, region].activate()
        return self._scripts[service, region]

    def end(self) -> None:
        """Free the clients for the next test."""
        for stubber in self._scripts.values():
            stubber.deactivate()

    def check(self) -> None:
        """Every call that was expected has been made."""
        for stubber in self._scripts.values():
            stubber.assert_no_pending_responses()


@contextmanager
def stubbed_aws() -> Iterator[StubbedAws]:
    """Let `boto3.client` give out the scripted clients; at the end nothing may be left of a script."""
    aws = StubbedAws()
    try:
        with patch("boto3.client", lambda service, region_name, **_: kept_client(service, region_name)):
            yield aws
        aws.check()
    finally:
        aws.end()
