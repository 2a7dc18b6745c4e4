"""What AWS answers to a call, as the errors that state machines know."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as NoConnectionError

from lib.functions.aws import error_code, error_text
from lib.functions.errors import Misconfigured, NotReady

PASSING = frozenset(
    {
        "ConflictException",
        "InternalError",
        "InternalServerException",
        "RequestTimeout",
        "ServiceUnavailableException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""Codes of what asking again may mend, besides every answer from 500 on."""

DENIED = frozenset({"403", "AccessDenied", "AccessDeniedException", "UnauthorizedException"})


PERSON = "whoever runs this"
"""By whom AWS is called where it is no function."""


@contextmanager
def calling(what: str, *, by: str = "the role of this function") -> Iterator[None]:
    """Raise NotReady where AWS cannot answer now, Misconfigured where it refuses; `what` completes "cannot"."""
    try:
        yield
    except (HTTPClientError, IncompleteReadError, NoConnectionError) as error:
        raise NotReady(f"cannot {what} now: {error_text(error)}") from error
    except ClientError as error:
        if is_passing(error):
            raise NotReady(f"cannot {what} now: {error_text(error)}") from error
        hint = f" HINT: Allow it to {by}." if error_code(error) in DENIED else ""
        raise Misconfigured(f"cannot {what}: {error_text(error)}{hint}") from error
    except BotoCoreError as error:
        raise Misconfigured(f"cannot {what}: {error_text(error)}") from error


def is_passing(error: ClientError) -> bool:
    """Whether it is a throttle or a fault of AWS."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return error_code(error) in PASSING or status >= 500
