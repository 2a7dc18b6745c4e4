"""Sessions of roles: Lambdas and state machines sign as their own role, whether IAM is enforced or not.

AWS: a function's execution role and a state machine's role are assumed by the service, which calls with their session
(https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html).
"""

from __future__ import annotations

import functools
import hashlib
import os
from typing import Any

import botocore.session
from botocore.config import Config
from ministack.services import sts

from drill.aws import hosts

URL = f"http://127.0.0.1:{os.environ.get('GATEWAY_PORT', '4566')}"
LONGEST_CALL = 900  # seconds: a Lambda may run as long


def credentials(role: str, session: str) -> dict[str, str]:
    """The environment variables of a session of a role; the same role and session name get the same ones."""
    account, name = role.split(":")[4], role.rsplit("/", 1)[-1]
    digest = hashlib.sha256(f"{role}#{session}".encode()).hexdigest()
    key, secret, token = f"ASIA{digest[:16].upper()}", digest[16:56], digest[::-1]
    arn = f"arn:aws:sts::{account}:assumed-role/{name}/{session[:64]}"
    sts.register_session(
        key, {"Arn": arn, "UserId": f"{name}:{session[:64]}", "SecretAccessKey": secret, "SessionToken": token}
    )
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}


def client(service: str, region: str, role: str, session: str) -> Any:
    """A botocore client of this simulator that signs as a role."""
    signed = credentials(role, session)
    return _client(
        service, region, signed["AWS_ACCESS_KEY_ID"], signed["AWS_SECRET_ACCESS_KEY"], signed["AWS_SESSION_TOKEN"]
    )


@functools.lru_cache(maxsize=256)
def _client(service: str, region: str, key: str, secret: str, token: str) -> Any:
    made = _session().create_client(
        service,
        region_name=region,
        endpoint_url=URL,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(
            inject_host_prefix=False,
            retries={"total_max_attempts": 1},
            read_timeout=LONGEST_CALL,
            max_pool_connections=50,
            parameter_validation=False,
            s3={"addressing_style": "path"},
        ),
    )
    made.meta.events.register(hosts.EVENT, hosts.without_account)
    return made


@functools.cache
def _session() -> Any:
    return botocore.session.Session()


def caller_of(access_key: str, account: str) -> str:
    """The ARN that signed with a key."""
    session = sts._sessions.get(access_key)
    return str(session["Arn"]) if session else f"arn:aws:iam::{account}:root"
