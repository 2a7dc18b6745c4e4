"""Requests of CloudFormation for custom resources, as their functions read them."""

from __future__ import annotations

from typing import Any

from lib.functions.cfn import Request

STACK = "arn:aws:cloudformation:us-east-1:111222333444:stack/mwaa-team-primary/0a1b"


def created(**properties: Any) -> Request:
    """A resource that is to be made."""
    return Request("Create", properties, {}, "", STACK, "Resource")


def updated(physical_id: str, before: dict[str, Any], **properties: Any) -> Request:
    """A resource whose properties change."""
    return Request("Update", properties, before, physical_id, STACK, "Resource")


def deleted(physical_id: str, **properties: Any) -> Request:
    """A resource that goes."""
    return Request("Delete", properties, {}, physical_id, STACK, "Resource")
