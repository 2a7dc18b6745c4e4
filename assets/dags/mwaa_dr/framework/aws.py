"""AWS clients with limits, and what AWS refuses in one clear line."""

from __future__ import annotations

import os
from typing import Any

CONNECT_SECONDS = 10
READ_SECONDS = 60
ATTEMPTS = 6

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
    """A boto3 client that retries throttling and lost connections, and never waits without an end."""
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "max_attempts": ATTEMPTS},
        max_pool_connections=16,
    )
    # A session of its own: the default one must not be used from several threads.
    return boto3.session.Session().client(service, region_name=region or None, config=config)  # type: ignore[call-overload]  # the service is a variable


def own_region() -> str:
    """The Region of this process; empty where none is set."""
    import boto3

    return boto3.session.Session().region_name or os.environ.get("AWS_REGION", "")


def failures() -> tuple[type[Exception], ...]:
    """The exceptions that every AWS call may raise."""
    from botocore.exceptions import BotoCoreError, ClientError

    return (BotoCoreError, ClientError)


def code(err: Exception) -> str:
    """AWS's error code; empty where AWS did not answer."""
    from botocore.exceptions import ClientError

    return str(err.response.get("Error", {}).get("Code", "")) if isinstance(err, ClientError) else ""


def explain(err: Exception, absent: str = "") -> tuple[str, str]:
    """What went wrong as a clause in lower case, and a hint that may be empty.

    A bare 404, all that a HEAD answers, is read as the code `absent` where that is given.
    """
    from botocore import exceptions as boto

    if isinstance(err, boto.ClientError):
        found = absent if absent and code(err) == "404" else code(err)
        return _explain_answer(err, found)
    if isinstance(err, (boto.NoCredentialsError, boto.PartialCredentialsError, boto.CredentialRetrievalError)):
        return "no AWS credentials were found", "Set the credentials, a profile or a role for this process."
    if isinstance(err, boto.NoRegionError):
        return "no AWS region is set", "Set AWS_DEFAULT_REGION or name the region."
    if isinstance(err, (boto.HTTPClientError, boto.ConnectionError)):
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


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]
