"""Options of Airflow that keep the heartbeat from being sent."""

from __future__ import annotations

import pytest

from lib.functions.health.metric_filter import is_filtered

ALLOW, BLOCK = "metrics.metrics_allow_list", "metrics.metrics_block_list"
PATTERN = {"metrics.metrics_use_pattern_match": "True"}


@pytest.mark.parametrize(
    ("options", "version", "filtered"),
    [
        ({}, "2.10.3", False),
        ({"core.parallelism": "4"}, "3.0.6", False),
        ({"metrics.statsd_on": "False"}, "2.10.3", True),
        ({"scheduler.statsd_on": "False"}, "2.4.3", True),
        ({"metrics.statsd_on": "True"}, "2.10.3", False),
        ({ALLOW: "dag,pool"}, "2.10.3", True),
        ({ALLOW: "dag, Scheduler"}, "2.10.3", False),
        ({ALLOW: "scheduler_heartbeat"}, "3.2.1", False),
        ({ALLOW: "heartbeat"}, "2.10.3", True),  # beginnings only
        ({ALLOW: "heartbeat", **PATTERN}, "2.10.3", False),
        ({ALLOW: "heartbeat"}, "3.0.6", False),
        ({ALLOW: "^heartbeat"}, "3.0.6", True),
        ({"metrics.statsd_allow_list": "dag"}, "2.5.1", True),
        ({BLOCK: "scheduler"}, "2.10.3", True),
        ({BLOCK: "heartbeat"}, "2.10.3", False),
        ({BLOCK: "heart"}, "3.0.6", True),
        ({"metrics.statsd_block_list": "scheduler"}, "2.5.1", True),
        ({ALLOW: "scheduler", BLOCK: "scheduler"}, "2.10.3", False),  # Airflow asks the allow list only
        ({ALLOW: "*("}, "3.0.6", True),  # not a pattern: nothing passes
        ({ALLOW: ""}, "2.10.3", False),
    ],
)
def test_the_lists_are_read_as_airflow_reads_them(options: dict[str, str], version: str, filtered: bool) -> None:
    assert is_filtered(options, version) is filtered
