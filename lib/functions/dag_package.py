"""Custom resource: the files of a package as objects of a DAGs bucket; nothing else there is touched."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from lib.functions.aws import client, error_code, error_text
from lib.functions.cfn import Request, Result, serve
from lib.functions.errors import Misconfigured
from lib.functions.log import logger

BATCH = 1000
"""What one DeleteObjects takes."""

_log = logger(__name__)


def act(request: Request) -> Result:
    """Properties: Region, Bucket, Prefix, PackageBucket, PackageKey (a zip). The attribute `Files` is their number.

    The package of before tells which objects are ours: what the new one lacks is deleted, and so is all on a deletion.
    """
    properties = request.properties
    place = f"s3://{properties['Bucket']}/{properties['Prefix']}"
    if request.kind == "Delete":
        _delete(properties, _old_names(properties))
        return Result(request.physical_id)
    files = _files(properties)
    _put(properties, files)
    if request.kind == "Update" and request.physical_id == place:
        _delete(properties, set(_old_names(request.old_properties)) - files.keys())
    return Result(place, {"Files": str(len(files))})


def upload_order(names: Iterable[str]) -> list[str]:
    """Deep files first, the DAG files at the top last: a DAG is parsed when all that it imports is there.

    >>> upload_order(["backup.py", "__init__.py", "framework/a.py", "framework/sql/b.py"])
    ['framework/sql/b.py', 'framework/a.py', '__init__.py', 'backup.py']
    """
    return sorted(names, key=lambda name: (-name.count("/"), name))


def _files(properties: Mapping[str, Any]) -> dict[str, bytes]:
    s3 = client("s3", properties["Region"])
    body = s3.get_object(Bucket=properties["PackageBucket"], Key=properties["PackageKey"])["Body"].read()
    with zipfile.ZipFile(io.BytesIO(body)) as package:
        return {name: package.read(name) for name in package.namelist() if not name.endswith("/")}


def _put(properties: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    s3 = client("s3", properties["Region"])
    bucket = properties["Bucket"]
    try:
        for name in upload_order(files):
            s3.put_object(Bucket=bucket, Key=properties["Prefix"] + name, Body=files[name])
    except ClientError as error:
        if error_code(error) not in ("NoSuchBucket", "AccessDenied"):
            raise
        words = f"{name} cannot be written to the DAGs bucket {bucket}: {error_text(error)}"
        hint = "HINT: See its name, its Region, and the ARN of its key (PRIMARY_DAGS_KMS_KEY_ARN)."
        raise Misconfigured(f"{words}; {hint}") from error
    _log.info("the package is there", extra={"bucket": bucket, "files": len(files)})


def _old_names(properties: Mapping[str, Any]) -> list[str]:
    """The names in a package that was deployed before; none where it is gone from the bucket of assets."""
    try:
        return [*_files(properties)]
    except ClientError as error:
        _log.warning("nobody can tell which objects were ours; they stay", extra={"why": error_text(error)})
        return []


def _delete(properties: Mapping[str, Any], names: Iterable[str]) -> None:
    s3 = client("s3", properties["Region"])
    # The DAG files first: none is parsed without what it imports.
    keys = [properties["Prefix"] + name for name in reversed(upload_order(names))]
    for start in range(0, len(keys), BATCH):
        objects = [{"Key": key} for key in keys[start : start + BATCH]]
        try:
            s3.delete_objects(Bucket=properties["Bucket"], Delete={"Objects": objects, "Quiet": True})
        except ClientError as error:
            if error_code(error) != "NoSuchBucket":
                raise
    _log.info("deleted what was ours", extra={"bucket": properties["Bucket"], "files": len(keys)})


handler = serve(act)
