"""How the functions reach AWS: always with a Region, time-outs and an end of the retries."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config


def client(service: str, region: str, *, connect: float = 3, read: float = 10, attempts: int = 2) -> Any:
    """A client whose calls end after at most `attempts` x (`connect` + `read`) seconds and the pauses between."""
    settings = Config(
        connect_timeout=connect, read_timeout=read, retries={"mode": "standard", "total_max_attempts": attempts}
    )
    return boto3.client(service, region_name=region, config=settings)  # type: ignore[call-overload]


def error_code(error: Exception) -> str:
    """The code that AWS gave a ClientError, as `AccessDeniedException`; empty for all else."""
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def error_text(error: Exception) -> str:
    """An error in one line: what AWS said, with its code, or the class and what it says."""
    response = getattr(error, "response", None) or {}
    said = response.get("Error", {}).get("Message") or str(error)
    return f"{error_code(error) or type(error).__name__}: {' '.join(str(said).split())}"
