"""Look at an environment, create it from its blueprint, wait for it, update it, delete it.

Every op can be repeated at any moment: a new execution, and a redrive of an old one, go on from what they find.
Permissions: airflow:GetEnvironment; for create airflow:CreateEnvironment, airflow:TagResource,
airflow:DeleteEnvironment, what blueprint.read needs, and what the caller of CreateEnvironment needs
(https://docs.aws.amazon.com/mwaa/latest/userguide/access-policies.html); for delete airflow:DeleteEnvironment, and
with a note what `dag_note` reads; for update and unpause_at_creation airflow:UpdateEnvironment and iam:PassRole for the
execution role, for update what blueprint.read needs, too; for untag airflow:UntagResource.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from lib.functions import blueprint, dag_note, lease, mwaa
from lib.functions.aws import client, error_code
from lib.functions.blueprint import Shelf
from lib.functions.blueprint_fields import options
from lib.functions.calls import calling
from lib.functions.creation import create
from lib.functions.errors import Misconfigured, NotReady
from lib.functions.log import logger
from lib.functions.mwaa import PAUSED_AT_CREATION, Place
from lib.functions.waiting import begun, is_later_redrive, wait

Op = Callable[[Mapping[str, Any]], "dict[str, Any]"]

_log = logger(__name__)


def handler(event: Mapping[str, Any], _: object) -> dict[str, Any]:
    """Do one op."""
    if event["op"] not in OPS:
        raise ValueError(f"op {event['op']!r} is not known: it is one of {', '.join(OPS)}")
    lease.check(event)
    return OPS[event["op"]](event)


def look(event: Mapping[str, Any]) -> dict[str, Any]:
    """What may be told of an environment: never its Airflow options."""
    found = mwaa.find(Place.of(event["environment"]))
    if found is None:
        return {"status": mwaa.NOT_FOUND, "web_server": "NONE", "version": "", "tags": {}, "created_at": ""}
    return {
        "status": found["Status"],
        "web_server": mwaa.web_server_of(found),
        "version": found.get("AirflowVersion", ""),
        "tags": found.get("Tags", {}),
        "created_at": mwaa.created_at(found),
    }


def delete(event: Mapping[str, Any]) -> dict[str, Any]:
    """Begin to delete it: DELETING, or GONE where it was. With `owner_tag` only an environment that carries it.

    With `bucket` and `bucket_region` only one whose note (`dag_note`) is unfinished and no older than it: raises
    StillBusy where its DAGs have been made active again, as after a stop that failed and is redriven. AGAIN where the
    execution was redriven since `checked_in_redrive`: what was proved may not hold any more. Raises NotReady while MWAA
    is changing it.
    """
    place = Place.of(event["environment"])
    found = mwaa.find(place)
    status = mwaa.status_of(found)
    if found is None or status in mwaa.GONE:
        return {"outcome": "GONE", **begun(event)}
    tags = event.get("owner_tag") or {}
    if tags and not mwaa.has_tags(found, tags):
        raise Misconfigured(f"{place} is not ours to delete: it lacks the tag {tags}")
    if status not in mwaa.USABLE | mwaa.BROKEN | {"DELETING"}:
        raise NotReady(f"{place} is {status}: it cannot be deleted now")
    if status != "DELETING":
        if "checked_in_redrive" in event and is_later_redrive(event, "checked_in_redrive"):
            return {"outcome": "AGAIN", **begun(event)}
        if "bucket" in event:
            dag_note.require_unfinished({**event, "created_at": mwaa.created_at(found)})
        with calling(f"delete {place}"):
            client("mwaa", place.region).delete_environment(Name=place.name)
        _log.info("deletion begun", extra={"environment": place.id, "status": status})
    return {"outcome": "DELETING", **begun(event)}


def unpause_at_creation(event: Mapping[str, Any]) -> dict[str, Any]:
    """Let new DAGs start on their own again where the blueprint said so; raises NotReady while it cannot be updated."""
    place = Place.of(event["environment"])
    if event["paused_at_creation_was"] is not False:
        return {"changed": False, "why": "new DAGs were paused in the blueprint, too"}
    found = mwaa.find(place)
    status = mwaa.status_of(found)
    if found is None or status not in mwaa.USABLE:
        raise NotReady(f"{place} is {status}: it cannot be updated now")
    options = found.get("AirflowConfigurationOptions", {})
    if options.get(PAUSED_AT_CREATION) == "False":
        return {"changed": False, "why": f"{PAUSED_AT_CREATION} is False already"}
    with calling(f"update {place}"):
        _update(place, {**options, PAUSED_AT_CREATION: "False"})
    _log.info("update begun", extra={"environment": place.id, "option": PAUSED_AT_CREATION})
    return {"changed": True, "why": f"{PAUSED_AT_CREATION} becomes False, as it was"}


def update(event: Mapping[str, Any]) -> dict[str, Any]:
    """Give an environment the options of its blueprint back; with `restart` it is updated although it has them.

    `outcome`: UPDATING, or READY where there is nothing to do. Raises NotReady while it cannot be updated.
    """
    place = Place.of(event["environment"])
    found = mwaa.find(place)
    status = mwaa.status_of(found)
    if status == "UPDATING":
        return {"outcome": "UPDATING", "why": f"{place} is {status} already", **begun(event)}
    if found is None or status not in mwaa.USABLE:
        raise NotReady(f"{place} is {status}: it cannot be updated now")
    shelf = Shelf(event["bucket"], event["blueprint_key"], event["bucket_region"])
    wanted = options(blueprint.read(shelf).fields, {})
    changed = wanted != found.get("AirflowConfigurationOptions", {})
    if not changed and not event["restart"]:
        return {"outcome": "READY", "why": "its options are those of its blueprint", **begun(event)}
    with calling(f"update {place}"):
        _update(place, wanted)
    _log.info("update begun", extra={"environment": place.id, "changed": changed})
    why = "its options become those of its blueprint" if changed else "plugins read what was restored"
    return {"outcome": "UPDATING", "why": why, **begun(event)}


def untag(event: Mapping[str, Any]) -> dict[str, Any]:
    """Take `owner_tag` off an environment that has come back whole: `untagged`, False where it has none."""
    place, tags = Place.of(event["environment"]), event["owner_tag"]
    found = mwaa.find(place)
    if found is None or not mwaa.has_tags(found, tags):
        return {"untagged": False}
    with calling(f"untag {place}"):
        client("mwaa", place.region).untag_resource(ResourceArn=found["Arn"], tagKeys=sorted(tags))
    return {"untagged": True}


def _update(place: Place, options: Mapping[str, str]) -> None:
    """Set all options, for what is not sent is lost; what runs may end, in the Regions that let it."""
    api = client("mwaa", place.region)
    arguments = {"Name": place.name, "AirflowConfigurationOptions": dict(options)}
    try:
        api.update_environment(**arguments, WorkerReplacementStrategy="GRACEFUL")
    except ClientError as error:
        # https://docs.aws.amazon.com/mwaa/latest/userguide/update-environment.html names Regions without it.
        if error_code(error) != "ValidationException":
            raise
        api.update_environment(**arguments)


OPS: Mapping[str, Op] = {
    "look": look,
    "create": create,
    "wait": wait,
    "delete": delete,
    "unpause_at_creation": unpause_at_creation,
    "update": update,
    "untag": untag,
}
