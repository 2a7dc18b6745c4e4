"""Whether another environment fits into an account and Region.

Permissions: airflow:ListEnvironments, servicequotas:GetServiceQuota.
"""

from __future__ import annotations

from lib.functions.aws import client
from lib.functions.calls import calling
from lib.functions.errors import FunctionError
from lib.functions.mwaa import Place

QUOTA = {"ServiceCode": "airflow", "QuotaCode": "L-67D41C6B"}
"""Environments per account per Region; https://docs.aws.amazon.com/mwaa/latest/userguide/mwaa-quotas.html."""

DEFAULT = 10
"""What every account has that did not ask for more."""


def room_for(place: Place) -> tuple[str, str]:
    """A problem where the new environment does not fit, and a warning where that is not sure; both may be empty."""
    others = set(_names(place.region)) - {place.name}
    if len(others) < DEFAULT:
        return "", ""
    counted = f"{len(others)} environments are in {place.region}"
    try:
        quota = _quota(place.region)
    except FunctionError as error:
        return "", f"{counted}, and whether there may be more could not be asked: {error}"
    if len(others) < quota:
        return "", ""
    return f"{counted}, more than {quota} are not allowed: delete one, or raise the quota {QUOTA['QuotaCode']}", ""


def _names(region: str) -> list[str]:
    with calling(f"list the environments in {region}"):
        pages = client("mwaa", region).get_paginator("list_environments").paginate()
        return [name for page in pages for name in page["Environments"]]


def _quota(region: str) -> int:
    quotas = client("service-quotas", region)
    with calling(f"ask for the quota of environments in {region}"):
        try:
            return int(quotas.get_service_quota(**QUOTA)["Quota"]["Value"])
        except quotas.exceptions.NoSuchResourceException:
            return DEFAULT
