"""What AWS's runtime for Python brings, imported and read once; each worker is forked from the process that did so.

Only the server of `forked.py` imports this. Nothing here may import the modules of a function: they are its own.
"""

from __future__ import annotations

import functools
from typing import Any

import boto3
from botocore import loaders

_read = functools.cache(loaders.JSONFileLoader().load_file)


def _load_file(_: loaders.JSONFileLoader, file_path: str) -> Any:
    return _read(file_path)


# A session of its own would read them again.
loaders.JSONFileLoader.load_file = _load_file  # type: ignore[assignment, method-assign]
boto3.session.Session(aws_access_key_id="none", aws_secret_access_key="none", region_name="us-east-1").client("s3")
