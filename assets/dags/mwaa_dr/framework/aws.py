"""AWS clients that wait a bounded time and never log what they send, and what AWS refuses in one clear line."""

from __future__ import annotations

import logging
import os
from typing import Any

_EXPIRED = ("the AWS credentials have expired", "Renew the credentials and run it again.")
_INVALID = (
    "the AWS credentials are not valid",
    "Check the access key, the secret key and the session token.",
)
_DENIED = ("access is denied", "Check the policies of the role, of the bucket and of the KMS key.")
_REGION = ("the bucket is in another region", "Name the region of the bucket.")
_THROTTLED = ("AWS is throttling", "Run it again later.")
_NO_KEY = ("the KMS key does not exist", "Check the ARN of the key.")
_KEY_STATE = ("the KMS key is not enabled", "Enable the key or cancel its deletion.")
_FOREIGN = ("this wrapped key was altered or belongs to another backup", "")
_NO_BUCKET = ("the bucket does not exist", "Check the name of the bucket and the account of the credentials.")

_CODES: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("ExpiredToken", "ExpiredTokenException", "RequestExpired"), _EXPIRED),
    **dict.fromkeys(("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken"), _INVALID),
    **dict.fromkeys(("UnrecognizedClientException", "InvalidClientTokenId"), _INVALID),
    **dict.fromkeys(("AccessDenied", "AccessDeniedException", "403", "AllAccessDisabled"), _DENIED),
    **dict.fromkeys(("PermanentRedirect", "301", "AuthorizationHeaderMalformed"), _REGION),
    **dict.fromkeys(("IllegalLocationConstraintException", "TemporaryRedirect"), _REGION),
    **dict.fromkeys(("SlowDown", "ThrottlingException", "Throttling", "503", "TooManyRequests"), _THROTTLED),
    **dict.fromkeys(("NotFoundException", "KMS.NotFoundException"), _NO_KEY),
    **dict.fromkeys(("DisabledException", "KMS.DisabledException"), _KEY_STATE),
    **dict.fromkeys(("KMSInvalidStateException", "KMS.KMSInvalidStateException"), _KEY_STATE),
    **dict.fromkeys(("InvalidCiphertextException", "IncorrectKeyException"), _FOREIGN),
    "NoSuchBucket": _NO_BUCKET,
    "NoSuchKey": ("the object does not exist", ""),
    "404": ("it does not exist", ""),
    "PreconditionFailed": ("the object was replaced while it was read", "Run it again."),
    "412": ("the object was replaced while it was read", "Run it again."),
    "InvalidObjectState": ("the object is archived", "Restore it from its archive class first."),
    "400": ("the request was refused", "Check the credentials and the region."),
    "RequestTimeTooSkewed": ("the clock of this machine is wrong", "Set the clock."),
}


def client(service: str, region: str = "") -> Any:
    """A boto3 client for one quick call; without a Region the one that AWS_DEFAULT_REGION or the profile says.

    It gives up within half a minute, since a callback runs inside Airflow's `dag_file_processor_timeout` of 50 s.
    """
    return _client(service, region, connect_timeout=3, read_timeout=5, max_attempts=3)


def patient_client(service: str, region: str = "") -> Any:
    """A boto3 client for long work: it outlasts throttling and short outages, and still never waits without an end."""
    return _client(service, region, connect_timeout=10, read_timeout=60, max_attempts=6)


def keep_bodies_out_of_logs() -> None:
    """Silence botocore's debug lines: they hold task tokens, data keys and secrets in plaintext."""
    logger = logging.getLogger("botocore")
    if logger.getEffectiveLevel() < logging.INFO:
        logger.setLevel(logging.INFO)


def own_region() -> str:
    """The Region of this process; empty where none is set."""
    import boto3

    return boto3.session.Session().region_name or os.environ.get("AWS_REGION", "")


def failures() -> tuple[type[Exception], ...]:
    """The exceptions that every AWS call may raise."""
    from botocore.exceptions import BotoCoreError, ClientError

    return (BotoCoreError, ClientError)


def error_code(error: Exception) -> str:
    """The code of an AWS error, or the name of another one; never its message, which may hold values."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        return str(response.get("Error", {}).get("Code", type(error).__name__))
    return type(error).__name__


def is_unreachable(err: Exception) -> bool:
    """Whether nobody answered: the network, rather than AWS, is the reason."""
    from botocore.exceptions import ConnectionError as NoConnectionError
    from botocore.exceptions import HTTPClientError

    return isinstance(err, (HTTPClientError, NoConnectionError))


def explain(err: Exception, absent: str = "") -> tuple[str, str]:
    """What went wrong as a clause in lower case, and a hint that may be empty.

    A bare 404, all that a HEAD answers, is read as the code `absent` where that is given.
    """
    from botocore import exceptions as boto

    if isinstance(err, boto.ClientError):
        found = absent if absent and error_code(err) == "404" else error_code(err)
        return _explain_answer(err, found)
    if isinstance(err, (boto.NoCredentialsError, boto.PartialCredentialsError, boto.CredentialRetrievalError)):
        return "no AWS credentials were found", "Set the credentials, a profile or a role for this process."
    if isinstance(err, boto.NoRegionError):
        return "no AWS region is set", "Set AWS_DEFAULT_REGION or name the region."
    if is_unreachable(err):
        hint = "Check the network, the region and the VPC endpoints."
        return f"AWS cannot be reached ({type(err).__name__})", hint
    return _one_line(str(err)) or type(err).__name__, ""


def _explain_answer(err: Any, found: str) -> tuple[str, str]:
    said = _one_line(str(err.response.get("Error", {}).get("Message", "")))
    if found not in _CODES:
        return f"AWS refused it with {found}" + (f" ({said})" if said else ""), ""
    reason, hint = _CODES[found]
    if reason == _REGION[0]:
        headers = err.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        region = headers.get("x-amz-bucket-region", "")
        return f"{reason} ({region})" if region else reason, hint
    if reason == _DENIED[0] and said and said.lower() not in ("access denied", "forbidden"):
        return reason, f"{hint} AWS says: {said}"
    return reason, hint


def _client(service: str, region: str, *, connect_timeout: int, read_timeout: int, max_attempts: int) -> Any:
    import boto3
    from botocore.config import Config

    keep_bodies_out_of_logs()
    config = Config(
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
        retries={"mode": "standard", "max_attempts": max_attempts},
        max_pool_connections=16,
    )
    # A session of its own: the default one must not be used from two threads at once.
    create: Any = boto3.session.Session().client
    return create(service, region_name=region or None, config=config)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]
