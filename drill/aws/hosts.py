"""S3 Control puts the account before the host, also before an address: 000000000000.127.0.0.1 is no host."""

from __future__ import annotations

import re
from typing import Any

EVENT = "before-sign.s3-control"


def without_account(request: Any, **_: Any) -> None:
    """Take the account out of a request's address, before it is signed; a handler of botocore's EVENT."""
    request.url = re.sub(r"^(http://)\d{12}\.(127\.0\.0\.1)", r"\1\2", request.url)
