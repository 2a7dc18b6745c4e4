"""Create an environment from its blueprint, or go on with the creation that somebody of ours has begun."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from lib.functions import blueprint, mwaa
from lib.functions.aws import client, error_code
from lib.functions.blueprint import Shelf
from lib.functions.blueprint_fields import Own, creation, paused_at_creation
from lib.functions.calls import calling
from lib.functions.errors import EnvironmentBroken, Misconfigured
from lib.functions.log import logger
from lib.functions.mwaa import Place
from lib.functions.waiting import begun

CREATION_TIME = 30
"""Seconds that CreateEnvironment may take to answer; it checks role, bucket and network before it does."""

_log = logger(__name__)


def create(event: Mapping[str, Any]) -> dict[str, Any]:
    """CREATING, READY where it is there, or DELETING where a failed creation of ours goes away first.

    Raises Misconfigured where the environment is somebody else's, EnvironmentBroken where ours is UNAVAILABLE,
    BlueprintMissing. `paused_at_creation_was` is what the blueprint says of new DAGs; null: nothing.
    """
    place = Place.of(event["environment"])
    shelf = Shelf(event["bucket"], event["blueprint_key"], event.get("bucket_region", place.region))
    fields = blueprint.read_whole(shelf).fields
    own = Own.of(event, fields)
    found = mwaa.find(place)
    if found is None or found["Status"] in mwaa.GONE:
        outcome = _begin(place, creation(fields, own), own.owner_tag)
    else:
        outcome = _go_on(place, found, own.owner_tag)
    was = paused_at_creation(fields, own.config_overrides)
    return {"outcome": outcome, "paused_at_creation_was": was, **begun(event)}


def _begin(place: Place, arguments: Mapping[str, Any], owner_tag: Mapping[str, str]) -> str:
    # One attempt: whoever asks again looks first whether it has begun.
    api = client("mwaa", place.region, read=CREATION_TIME, attempts=1)
    with calling(f"create {place}"):
        try:
            api.create_environment(**arguments)
        except ClientError as error:
            # An earlier try may have been carried out although its answer was lost.
            if error_code(error) != "ValidationException" or not _is_there(place, owner_tag):
                raise
    _log.info("creation begun", extra={"environment": place.id, "fields": sorted(arguments)})
    return "CREATING"


def _is_there(place: Place, owner_tag: Mapping[str, str]) -> bool:
    found = mwaa.find(place)
    return found is not None and found["Status"] == "CREATING" and mwaa.has_tags(found, owner_tag)


def _go_on(place: Place, found: Mapping[str, Any], owner_tag: Mapping[str, str]) -> str:
    status = found["Status"]
    if not mwaa.has_tags(found, owner_tag):
        raise Misconfigured(
            f"{place} is there ({status}) and is not ours: it lacks the tag {_words(owner_tag)}"
            " HINT: Delete it, give it the tag, or configure another name."
        )
    if status in mwaa.USABLE:
        return "READY"
    if status == "CREATE_FAILED":
        _log.warning("failed creation is deleted", extra={"environment": place.id, "error": mwaa.last_error(found)})
        with calling(f"delete {place}, whose creation failed"):
            client("mwaa", place.region).delete_environment(Name=place.name)
        return "DELETING"
    if status == "UNAVAILABLE":
        said = mwaa.last_error(found)
        raise EnvironmentBroken(
            f"{place} is UNAVAILABLE{f', MWAA says: {said}' if said else ''}"
            " HINT: It has lived, so it is not deleted for you: repair or delete it."
        )
    return "DELETING" if status == "DELETING" else "CREATING"


def _words(tags: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in tags.items()) + "."
