"""The blueprint of an environment: stored while it is well, read when it has to be created again.

`{"op": "store", "environment", "bucket", "key", "bucket_region"}` -> `{"stored", "why"}`. It holds Airflow options,
so it never becomes the data of a state. Permissions: airflow:GetEnvironment; s3:GetObject, s3:PutObject and
s3:ListBucket (without which a missing object is a 403), kms:Decrypt and kms:GenerateDataKey for the bucket's key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from lib.functions import mwaa
from lib.functions.aws import client, error_code, error_text
from lib.functions.blueprint_fields import carried, incomplete
from lib.functions.calls import DENIED, calling
from lib.functions.errors import BlueprintMissing
from lib.functions.log import logger
from lib.functions.mwaa import Place

FORMAT = 1

ABSENT = frozenset({"404", "NoSuchKey", "NoSuchBucket"})

HINT = "HINT: Let the workflow find the primary environment healthy once: it stores the blueprint then."

_log = logger(__name__)


@dataclass(frozen=True)
class Shelf:
    """Where a blueprint, or another object, lies."""

    bucket: str
    key: str
    region: str

    @property
    def url(self) -> str:
        """As people write it."""
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True)
class Blueprint:
    """What an environment can be created from."""

    fields: Mapping[str, Any]
    """Those of CreateEnvironment."""
    unknown: tuple[str, ...] = ()
    """Fields of the environment that the SDK did not know, whose values are lost."""


def handler(event: Mapping[str, Any], _: object) -> dict[str, Any]:
    """Store the blueprint of an environment that is well, when it has changed."""
    if event["op"] != "store":
        raise ValueError(f"op {event['op']!r} is not known: it is 'store'")
    return store(Place.of(event["environment"]), Shelf(event["bucket"], event["key"], event["bucket_region"]))


def store(place: Place, shelf: Shelf) -> dict[str, Any]:
    """Store what the environment is now, unless it is not well, or nothing has changed."""
    environment, unknown = mwaa.find_all(place)
    if environment is None or environment["Status"] not in mwaa.USABLE:
        return {"stored": False, "why": f"{place} is {mwaa.status_of(environment)}: its blueprint stays as it is"}
    document = {
        "blueprint_format": FORMAT,
        "environment": {"name": place.name, "region": place.region},
        "fields": carried(environment),
        "unknown": unknown,
    }
    body = json.dumps(document, indent=1, sort_keys=True).encode()
    s3 = client("s3", shelf.region)
    with calling(f"store the blueprint {shelf.url}"):
        before = stored(s3, shelf)
        if before == body:
            return {"stored": False, "why": f"{shelf.url} says the same"}
        s3.put_object(Bucket=shelf.bucket, Key=shelf.key, Body=body, ContentType="application/json")
    _log.info("blueprint stored", extra={"environment": place.id, "object": shelf.url, "unknown": unknown})
    return {"stored": True, "why": f"{place} has changed" if before else f"{shelf.url} was not there"}


def read(shelf: Shelf) -> Blueprint:
    """What was stored; raises BlueprintMissing where there is nothing that can be read."""
    s3 = client("s3", shelf.region)
    with calling(f"read the blueprint {shelf.url}"):
        try:
            data = s3.get_object(Bucket=shelf.bucket, Key=shelf.key)["Body"].read()
        except ClientError as error:
            if error_code(error) not in ABSENT | DENIED:
                raise
            raise BlueprintMissing(f"there is no blueprint {shelf.url} to read: {error_text(error)}. {HINT}") from error
    return parse(data, shelf.url)


def read_whole(shelf: Shelf) -> Blueprint:
    """The same; raises BlueprintMissing also where it lacks what an environment cannot be created without."""
    blueprint = read(shelf)
    if lacking := incomplete(blueprint.fields):
        raise BlueprintMissing(f"the blueprint {shelf.url} lacks {', '.join(lacking)}. {HINT}")
    return blueprint


def parse(data: bytes, url: str) -> Blueprint:
    """A blueprint from its object; raises BlueprintMissing for what is none."""
    try:
        document = json.loads(data)
        form, stored = document["blueprint_format"], Blueprint(dict(document["fields"]), tuple(document["unknown"]))
    except (ValueError, KeyError, TypeError) as error:
        raise BlueprintMissing(f"{url} is no blueprint of an environment. {HINT}") from error
    if form != FORMAT:
        raise BlueprintMissing(f"{url} has format {form}, this version reads {FORMAT}. {HINT}")
    return stored


def stored(s3: Any, shelf: Shelf) -> bytes | None:
    """The object that lies there; None where there is none, if the caller may list the bucket."""
    try:
        body: bytes = s3.get_object(Bucket=shelf.bucket, Key=shelf.key)["Body"].read()
    except ClientError as error:
        if error_code(error) == "NoSuchKey":
            return None
        raise
    return body
