"""The environments of each account and Region, and how their status changes with time.

AWS: https://docs.aws.amazon.com/mwaa/latest/API/API_Environment.html (fields and statuses) and
https://docs.aws.amazon.com/mwaa/latest/API/API_CreateEnvironment.html (defaults).
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ministack.core.responses import get_account_id, get_region

from drill.aws.simulator.mwaa.web_server import Front
from drill.aws.simulator.state import door, on_reset

LATEST_AIRFLOW = "3.2.1"
DEFAULTS: dict[str, Any] = {
    "AirflowVersion": LATEST_AIRFLOW,
    "EnvironmentClass": "mw1.small",
    "WebserverAccessMode": "PRIVATE_ONLY",
    "EndpointManagement": "SERVICE",
    "MaxWorkers": 10,
    "MinWorkers": 1,
    "Schedulers": 2,
    "MinWebservers": 2,
    "MaxWebservers": 2,
    "AirflowConfigurationOptions": {},
    "LoggingConfiguration": {},
    "WeeklyMaintenanceWindowStart": "SUN:03:30",
    "Tags": {},
}
# mw1.micro has one of each (https://docs.aws.amazon.com/mwaa/latest/userguide/environment-class.html).
MICRO = {"MaxWorkers": 1, "Schedulers": 1, "MinWebservers": 1, "MaxWebservers": 1}
SERVICE_ROLE = "aws-service-role/airflow.amazonaws.com/AWSServiceRoleForAmazonMWAA"
HOW = "WorkerReplacementStrategy"
"""What an update takes and GetEnvironment does not tell."""
SETTLED = ("AVAILABLE", "CREATE_FAILED", "UPDATE_FAILED", "UNAVAILABLE")

Key = tuple[str, str, str]  # account, Region, name


@dataclass
class Ending:
    """How the next creation ends; an empty status never ends."""

    status: str = "AVAILABLE"
    error: dict[str, str] = field(default_factory=dict)


class Pace:
    """Seconds that each change takes."""

    create, update, delete = 2.0, 1.0, 1.0


_environments: dict[Key, dict[str, Any]] = {}
_endings: dict[tuple[str, str], Ending] = {}
_urls: dict[tuple[str, str], str] = {}
_fronts: dict[tuple[str, str], Front] = {}
_changes: dict[str, Callable[[], None]] = {}
"""What ends the latest change of an environment, by its ARN."""
_wanted: dict[str, dict[str, Any]] = {}
"""What an update brings once it ends, by the ARN."""
_lock = threading.RLock()


def key(name: str) -> Key:
    """Where an environment of the request's account and Region is kept."""
    return get_account_id(), get_region(), name


def found(name: str) -> dict[str, Any] | None:
    """The environment of that name in the request's account and Region."""
    return _environments.get(key(name))


def names() -> list[str]:
    """All names in the request's account and Region, sorted."""
    here = key("")[:2]
    return sorted(name for account, region, name in _environments if (account, region) == here)


def by_arn(arn: str) -> dict[str, Any] | None:
    """The environment with an ARN."""
    return next((environment for environment in _environments.values() if environment["Arn"] == arn), None)


def create(name: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """Begin to create an environment."""
    account, region, _ = place = key(name)
    micro = MICRO if wanted.get("EnvironmentClass") == "mw1.micro" else {}
    digest = uuid.uuid5(uuid.NAMESPACE_URL, "/".join(place))
    environment = {
        **DEFAULTS,
        **micro,
        **wanted,
        "Name": name,
        "Status": "CREATING",
        "Arn": f"arn:aws:airflow:{region}:{account}:environment/{name}",
        "CreatedAt": time.time(),
        "ServiceRoleArn": f"arn:aws:iam::{account}:role/{SERVICE_ROLE}",
        "CeleryExecutorQueue": f"arn:aws:sqs:{region}:{account}:airflow-celery-{digest}",
        "DatabaseVpcEndpointService": f"com.amazonaws.vpce.{region}.vpce-svc-{digest.hex[:17]}",
    }
    if environment["WebserverAccessMode"] != "PUBLIC_ONLY":
        environment["WebserverVpcEndpointService"] = f"com.amazonaws.vpce.{region}.vpce-svc-{digest.hex[-17:]}"
    _environments[place] = environment
    ending = _endings.pop((region, name), Ending())
    if ending.status:
        _later(environment, Pace.create, lambda: _created(environment, region, ending))
    return environment


def _created(environment: dict[str, Any], region: str, ending: Ending) -> None:
    environment["Status"] = ending.status
    changed(environment, "FAILED" if ending.error else "SUCCESS", ending.error)
    if ending.status == "AVAILABLE":
        environment["WebserverUrl"] = front(region, environment["Name"]).host


def changed(environment: dict[str, Any], status: str, error: dict[str, str] | None = None) -> None:
    """Set LastUpdate."""
    environment["LastUpdate"] = {"Status": status, "CreatedAt": time.time(), **({"Error": error} if error else {})}


def update(environment: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Begin to update an environment."""
    environment["Status"] = "UPDATING"
    changed(environment, "PENDING")
    _wanted[environment["Arn"]] = wanted

    def end() -> None:
        del _wanted[environment["Arn"]]
        environment.update({name: value for name, value in wanted.items() if name != HOW}, Status="AVAILABLE")
        changed(environment, "SUCCESS")

    _later(environment, Pace.update, end)


def delete(environment: dict[str, Any]) -> None:
    """Begin to delete an environment."""
    environment["Status"] = "DELETING"
    place = next(place for place, other in _environments.items() if other is environment)

    def end() -> None:
        if _environments.get(place) is environment:
            del _environments[place]

    _later(environment, Pace.delete, end)


def _later(environment: dict[str, Any], seconds: float, end: Callable[[], None]) -> None:
    """Do something later, unless something else has changed the environment meanwhile."""
    before = environment["Status"]

    def run() -> None:
        with _lock:
            if environment["Status"] == before:
                end()

    _changes[environment["Arn"]] = run
    timer = threading.Timer(seconds, run)
    timer.daemon = True
    timer.start()


def front(region: str, name: str) -> Front:
    """The HTTPS front of an environment's web server."""
    with _lock:
        if (region, name) not in _fronts:
            _fronts[region, name] = Front(lambda: _urls.get((region, name), ""))
        return _fronts[region, name]


@door("mwaa/web-server")
def web_server(region: str, name: str, url: str) -> None:
    """Where the Airflow of an environment really answers."""
    _urls[region, name] = url.rstrip("/")


@door("mwaa/pace")
def pace(create: float, update: float, delete: float) -> None:
    """How long changes take."""
    Pace.create, Pace.update, Pace.delete = create, update, delete


@door("mwaa/creation")
def creation(region: str, name: str, end: str, code: str = "", message: str = "") -> None:
    """How the next creation of an environment ends."""
    error = {"ErrorCode": code, "ErrorMessage": message or "You may need to check the configuration."} if code else {}
    _endings[region, name] = Ending(end, error)


@door("mwaa/status")
def status(region: str, name: str, status: str) -> None:
    """Put an environment into a status."""
    _named(region, name)["Status"] = status


@door("mwaa/finish")
def finish(region: str, name: str) -> None:
    """End the change that an environment is in, whatever the pace says."""
    _changes[_named(region, name)["Arn"]]()


@door("mwaa/all")
def everywhere() -> list[dict[str, Any]]:
    """Every environment, also one in a silent Region, and what an update of it brings."""
    return [
        {"region": region, "name": name, "fields": {**environment}, "wanted": _wanted.get(environment["Arn"], {})}
        for (_, region, name), environment in _environments.items()
    ]


@door("mwaa/tokens")
def tokens() -> list[str]:
    """Every token for the CLI or the web server of an environment that was ever given."""
    return [token for one in list(_fronts.values()) for token in one.tokens]


def _named(region: str, name: str) -> dict[str, Any]:
    for (_, its_region, its_name), environment in _environments.items():
        if (its_region, its_name) == (region, name):
            return environment
    raise KeyError(f"there is no environment {name} in {region}")


@door("mwaa/age")
def age(region: str, name: str, days: float) -> None:
    """Let an environment be so many days older."""
    _named(region, name)["CreatedAt"] -= days * 24 * 60 * 60


@on_reset
def forget() -> None:
    """No environments, no web servers, the usual pace."""
    with _lock:
        for environment in _environments.values():
            environment["Status"] = "DELETED"  # its timers do nothing any more
        for one in _fronts.values():
            one.close()
        _environments.clear()
        _endings.clear()
        _urls.clear()
        _fronts.clear()
        _changes.clear()
        _wanted.clear()
        Pace.create, Pace.update, Pace.delete = 2.0, 1.0, 1.0
