"""Custom resource: a bucket that is empty when it goes, all versions and delete markers included."""

from __future__ import annotations

from typing import Any

from lib.functions.aws import client, error_code
from lib.functions.cfn import Request, Result, serve
from lib.functions.errors import Misconfigured, NotReady
from lib.functions.log import logger

PAGES = 50
"""Pages of 1,000 versions in one go: what an invocation has time for."""

_log = logger(__name__)


def act(request: Request) -> Result:
    """Properties: Region, Bucket. Only a deletion does anything."""
    bucket = request.properties["Bucket"]
    if request.kind == "Delete":
        try:
            _empty(client("s3", request.properties["Region"], read=30), bucket)
        except Exception as error:
            if error_code(error) != "NoSuchBucket":
                raise
    return Result(bucket)


def _empty(s3: Any, bucket: str) -> None:
    for _ in range(PAGES):
        # The first page each time: what it had is gone by the next one.
        page = s3.list_object_versions(Bucket=bucket, MaxKeys=1000)
        found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        if not found:
            return
        objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
        if errors := answer.get("Errors"):
            first = errors[0]
            raise Misconfigured(f"{first['Key']} in {bucket} cannot be deleted: {first['Code']}")
        _log.info("deleted", extra={"bucket": bucket, "versions": len(objects)})
    raise NotReady(f"{bucket} is not empty yet")


handler = serve(act)
