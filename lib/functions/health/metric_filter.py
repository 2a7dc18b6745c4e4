"""Whether an environment's own options keep the heartbeat from being sent.

https://airflow.apache.org/docs/apache-airflow/2.10.3/administration-and-deployment/logging-monitoring/metrics.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping

METRIC = "scheduler_heartbeat"

_SECTIONS = ("metrics.", "scheduler.")
"""Airflow 1 had them under scheduler, and such options still work."""


def is_filtered(options: Mapping[str, str], version: str) -> bool:
    """Whether these options filter the heartbeat out; a list that cannot be read counts as if it did."""
    if _option(options, "statsd_on").lower() == "false":
        return True
    patterns = not version.startswith("2.") or _option(options, "metrics_use_pattern_match").lower() == "true"
    allowed = _list(options, "metrics_allow_list") or _list(options, "statsd_allow_list")
    if allowed:
        return not _matches(allowed, patterns=patterns)
    blocked = _list(options, "metrics_block_list") or _list(options, "statsd_block_list")
    return _matches(blocked, patterns=patterns)


def _matches(entries: list[str], *, patterns: bool) -> bool:
    """Airflow compares beginnings, or from version 3 on looks for regular expressions."""
    if not patterns:
        return METRIC.startswith(tuple(entries))
    return any(_is_found(entry) for entry in entries)


def _is_found(pattern: str) -> bool:
    try:
        return bool(re.search(pattern, METRIC))
    except re.error:
        return False


def _list(options: Mapping[str, str], name: str) -> list[str]:
    return [entry.strip().lower() for entry in _option(options, name).split(",") if entry.strip()]


def _option(options: Mapping[str, str], name: str) -> str:
    return next((options[section + name] for section in _SECTIONS if section + name in options), "").strip()
