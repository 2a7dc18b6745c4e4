"""What goes wrong on the way to Airflow, as the errors that state machines know."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError

from lib.functions.aws import error_code, error_text
from lib.functions.errors import AirflowRefused, AirflowUnavailable, Misconfigured, NotReachable

NO_WAY = (
    "HINT: A function in a VPC needs a NAT gateway, or the interface endpoint airflow.env with private DNS names and"
    " HTTPS allowed from its security group; a private web server is reached from inside its VPC only."
)

DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnrecognizedClientException", "ForbiddenException"})
ABSENT = "ResourceNotFoundException"
PASSING = frozenset({"InternalServerException", "ServiceUnavailableException", "ThrottlingException", "Throttling"})


@contextmanager
def reaching(what: str, permission: str) -> Iterator[None]:
    """Translate what a call of MWAA raises; `what` completes "cannot", `permission` is the action that it needs."""
    try:
        yield
    except ConnectionError as error:
        raise NotReachable(f"cannot {what}: {error_text(error)}. {NO_WAY}") from error
    except HTTPClientError as error:
        raise AirflowUnavailable(f"cannot {what} now: {error_text(error)}") from error
    except ClientError as error:
        raise translated(error, what, permission) from error
    except BotoCoreError as error:
        raise Misconfigured(f"cannot {what}: {error_text(error)}") from error


def translated(error: ClientError, what: str, permission: str) -> Exception:
    """An answer of MWAA itself as one of our errors."""
    code, text = error_code(error), f"cannot {what}: {error_text(error)}"
    if code in DENIED:
        return Misconfigured(f"{text}. HINT: The role of this function needs {permission}.")
    if code == ABSENT:
        return Misconfigured(f"{text}. HINT: There is no environment of that name in that Region.")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in PASSING or status >= 500:
        return AirflowUnavailable(text)
    return AirflowRefused(text)
