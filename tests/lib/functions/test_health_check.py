"""The health check against services that answer, fail, refuse and hang, over real sockets."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from lib.config.recovery_sections import HealthCheck
from lib.config.section import declared
from lib.functions import clock, health_check
from lib.functions.errors import Misconfigured, Unhealthy, Unknown
from lib.functions.health.verdict import TABLE, Heartbeat, Status
from lib.functions.health_check import ATTEMPTS, CONNECT, MARGIN, READ, handler
from tests.support import regions
from tests.support.regions import BEATING, LATE, SILENT, CutsOff, Hangs, Refuses, Says, World, environment, fails

BROKEN = Says("<html><body>Service Unavailable</body></html>", 503)
NOT_FOUND = fails("ResourceNotFoundException", 404)
MWAA: dict[Status, regions.Behaviour] = {
    Status.NOT_FOUND: NOT_FOUND,
    Status.OTHER: environment("HIBERNATED"),
    Status.NO_ANSWER: Refuses(),
    Status.NOT_TOLD: fails("AccessDeniedException"),
}
CLOUDWATCH: dict[Heartbeat, regions.Behaviour] = {
    Heartbeat.BEATING: BEATING,
    Heartbeat.SILENT: SILENT,
    Heartbeat.LATE: LATE,
    Heartbeat.FILTERED: regions.metrics(others=("12:00", "12:05")),
    Heartbeat.NO_ANSWER: Refuses(),
    Heartbeat.NOT_TOLD: fails("Throttling"),
}
CHANGING = ["UPDATING", "MAINTENANCE", "CREATING_SNAPSHOT", "ROLLING_BACK", "PENDING", "CREATING"]
SIMULATED: list[dict[str, Any]] = [
    {"simulate": True},
    {"given": {"simulate_dr": "yes"}},
    {"given": {"simulate": True}},
]
STOPPED = regions.record(at="2026-11-21T20:00:00+00:00", execution="arn")
SILENCES = {
    "refused": Refuses(),
    "timed out": Hangs(),
    "cut off": CutsOff(),
    "5xx of a load balancer": BROKEN,
    "5xx of the service": fails("InternalServerException", 500),
}


class Context:
    """What Lambda tells of an invocation."""

    def __init__(self, seconds: float = 60) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: regions.NOW)
    monkeypatch.setattr(health_check, "READ", 0.4)
    monkeypatch.setattr(health_check, "ATTEMPTS", 1)


def event(*, simulate: bool = False, witness: str | None = "eu-west-1", given: object = None) -> dict[str, Any]:
    return {
        "primary": {"name": "my-mwaa", "region": "us-east-1"},
        "secondary_region": "us-west-2",
        "witness_region": witness,
        "records": {"table": "mwaa-records", "region": "us-west-2"},
        "simulate": simulate,
        "input": given or {},
    }


def check(world: World, **more: Any) -> tuple[str, str, Mapping[str, str]]:
    """The answer, its reason, and the checks behind a raised one."""
    with pytest.MonkeyPatch.context() as patch, world.running() as environ:
        for name, value in environ.items():
            patch.setenv(name, value)
        try:
            told = handler(event(**more), Context())
        except (Unhealthy, Unknown) as error:
            said = json.loads(str(error))
            return type(error).__name__.upper(), said["reason"], said["checks"]
    return told["answer"], told["reason"], {}


@pytest.mark.parametrize("heartbeat", Heartbeat)
@pytest.mark.parametrize("status", Status)
def test_each_row_of_the_table_is_what_the_check_answers(status: Status, heartbeat: Heartbeat) -> None:
    answer, _, checks = check(
        World(mwaa=MWAA.get(status) or environment(status.value), cloudwatch=CLOUDWATCH[heartbeat])
    )
    assert answer == TABLE[status][heartbeat].value
    assert not checks or (checks["status"], checks["heartbeat"]) == (status.value, heartbeat.value)


def test_a_primary_whose_scheduler_beats_is_healthy() -> None:
    world = World()
    assert check(world)[0] == "HEALTHY"
    assert sorted(world.asked) == ["cloudwatch", "dynamodb", "mwaa", "sts"]


def test_two_silent_periods_in_which_another_metric_arrived_are_unhealthy() -> None:
    answer, reason, checks = check(World(cloudwatch=SILENT))
    assert answer == "UNHEALTHY"
    assert reason == ("MWAA says AVAILABLE; no heartbeat arrived for two periods, other metrics of the environment did")
    assert (checks["status"], checks["heartbeat"]) == ("AVAILABLE", "SILENT")


@pytest.mark.parametrize("silence", SILENCES.values(), ids=SILENCES)
def test_silent_periods_while_mwaa_does_not_answer_are_unhealthy(silence: regions.Behaviour) -> None:
    assert check(World(mwaa=silence, cloudwatch=LATE))[0] == "UNHEALTHY"


@pytest.mark.parametrize("cloudwatch", SILENCES.values(), ids=SILENCES)
@pytest.mark.parametrize("mwaa", SILENCES.values(), ids=SILENCES)
def test_a_region_that_answers_nowhere_is_unhealthy(mwaa: regions.Behaviour, cloudwatch: regions.Behaviour) -> None:
    answer, reason, _ = check(World(mwaa=mwaa, cloudwatch=cloudwatch))
    assert answer == "UNHEALTHY"
    assert reason.endswith("the secondary and the witness Region answer")


@pytest.mark.parametrize("silence", SILENCES.values(), ids=SILENCES)
@pytest.mark.parametrize("service", ["mwaa", "cloudwatch"])
def test_one_silent_service_alone_is_unknown(service: str, silence: regions.Behaviour) -> None:
    assert check(World(**{service: silence}))[0] == "UNKNOWN"  # type: ignore[arg-type]


@pytest.mark.parametrize("trouble", [Refuses(), Hangs(), BROKEN, fails("AccessDeniedException")])
@pytest.mark.parametrize("service", ["dynamodb", "sts"])
def test_a_silent_region_is_unknown_when_another_region_does_not_succeed(
    service: str, trouble: regions.Behaviour
) -> None:
    world = World(mwaa=Refuses(), cloudwatch=Refuses(), **{service: trouble})  # type: ignore[arg-type]
    answer, reason, _ = check(world)
    assert answer == "UNKNOWN"
    assert "our own network may be the reason" in reason


def test_a_silent_region_is_unknown_without_a_third_region() -> None:
    answer, reason, _ = check(World(mwaa=Refuses(), cloudwatch=Refuses()), witness=None)
    assert answer == "UNKNOWN"
    assert "no third Region is configured" in reason


def test_nobody_answers_when_our_own_network_is_gone() -> None:
    gone = Refuses()
    assert check(World(mwaa=gone, cloudwatch=gone, dynamodb=gone, sts=gone))[0] == "UNKNOWN"


@pytest.mark.parametrize("status", ["CREATE_FAILED", "UNAVAILABLE"])
@pytest.mark.parametrize("cloudwatch", [BEATING, SILENT, LATE, Refuses(), fails("Throttling")])
def test_a_broken_status_is_unhealthy(status: str, cloudwatch: regions.Behaviour) -> None:
    assert check(World(mwaa=environment(status), cloudwatch=cloudwatch))[0] == "UNHEALTHY"


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException", "ValidationException"])
@pytest.mark.parametrize("service", ["mwaa", "cloudwatch"])
def test_denied_throttled_and_misconfigured_are_unknown(service: str, code: str) -> None:
    world = World(**{"cloudwatch": SILENT, service: fails(code)})  # type: ignore[arg-type]
    assert check(world)[0] == "UNKNOWN"


def test_both_services_denied_are_unknown() -> None:
    denied = fails("AccessDeniedException", 403)
    assert check(World(mwaa=denied, cloudwatch=denied))[0] == "UNKNOWN"


def test_a_crash_of_a_call_is_unknown() -> None:
    assert check(World(mwaa=Says("{}"), cloudwatch=SILENT))[0] == "UNKNOWN"


def test_a_metric_that_is_late_is_unknown() -> None:
    assert check(World(cloudwatch=LATE))[0] == "UNKNOWN"


@pytest.mark.parametrize("options", [{"metrics.statsd_on": "False"}, {"metrics.metrics_allow_list": "dag"}])
def test_a_heartbeat_that_is_filtered_out_is_unknown(options: dict[str, str]) -> None:
    mwaa = environment(AirflowConfigurationOptions=options)
    answer, reason, _ = check(World(mwaa=mwaa, cloudwatch=SILENT))
    assert (answer, "filtered out" in reason) == ("UNKNOWN", True)


def test_a_heartbeat_that_beats_is_believed_whatever_the_options_say() -> None:
    mwaa = environment(AirflowConfigurationOptions={"metrics.statsd_on": "False"})
    assert check(World(mwaa=mwaa))[0] == "HEALTHY"


def test_a_heartbeat_that_was_never_seen_is_unknown() -> None:
    assert check(World(cloudwatch=regions.metrics(others=("12:00", "12:05"))))[0] == "UNKNOWN"


def test_an_environment_that_was_created_anew_is_not_missed_before_its_first_beat() -> None:
    mwaa = environment(CreatedAt=regions.at("11:58").timestamp())
    assert check(World(mwaa=mwaa, cloudwatch=regions.metrics(("11:30",), ("12:00", "12:05"))))[0] == "UNKNOWN"


@pytest.mark.parametrize(
    "mwaa", [environment("DELETING"), environment("DELETED"), fails("ResourceNotFoundException", 404)]
)
@pytest.mark.parametrize("cloudwatch", [BEATING, SILENT])
def test_an_environment_that_is_not_there_is_unknown(mwaa: Says, cloudwatch: Says) -> None:
    assert check(World(mwaa=mwaa, cloudwatch=cloudwatch))[0] == "UNKNOWN"


@pytest.mark.parametrize(
    "status", ["UPDATING", "MAINTENANCE", "CREATING_SNAPSHOT", "ROLLING_BACK", "PENDING", "CREATING"]
)
def test_update_maintenance_and_snapshot_are_no_failures(status: str) -> None:
    assert check(World(mwaa=environment(status), cloudwatch=SILENT))[0] == "HEALTHY"


@pytest.mark.parametrize("mwaa", [NOT_FOUND, environment("DELETING"), Refuses()])
@pytest.mark.parametrize("cloudwatch", [SILENT, Refuses()])
def test_an_environment_that_was_stopped_on_purpose_is_neither(
    mwaa: regions.Behaviour, cloudwatch: regions.Behaviour
) -> None:
    answer, reason, _ = check(World(mwaa=mwaa, cloudwatch=cloudwatch, dynamodb=STOPPED))
    assert answer == "STOPPED"
    assert reason.endswith("it was stopped on purpose at 2026-11-21T20:00:00+00:00")


def test_an_environment_that_runs_in_spite_of_its_stop_is_healthy() -> None:
    assert check(World(dynamodb=STOPPED))[0] == "HEALTHY"


def since(hours: float) -> float:
    """So many hours before now, as MWAA tells it."""
    return (regions.NOW - timedelta(hours=hours)).timestamp()


def stopped_before(hours: float) -> Says:
    return regions.record(at=clock.text(regions.NOW - timedelta(hours=hours)), execution="arn")


@pytest.mark.parametrize("cloudwatch", [SILENT, LATE, Refuses(), fails("Throttling")])
@pytest.mark.parametrize("status", ["AVAILABLE", "UPDATE_FAILED", "UNAVAILABLE"])
def test_the_record_of_a_stop_silences_nobody_about_an_environment_that_was_created_long_after_it(
    status: str, cloudwatch: regions.Behaviour
) -> None:
    mwaa = environment(status, CreatedAt=since(3.1))
    answer, reason, _ = check(World(mwaa=mwaa, cloudwatch=cloudwatch, dynamodb=stopped_before(12)))
    assert answer == "UNKNOWN"
    assert "the record stopped/my-mwaa.us-east-1 says that it was stopped on purpose at " in reason
    assert reason.endswith("./build.sh start my-mwaa forgets that record")


@pytest.mark.parametrize(
    ("status", "created", "stopped"),
    [("AVAILABLE", 2.9, 12), ("AVAILABLE", 13, 12), ("CREATE_FAILED", 5, 12), ("DELETING", 5, 12)],
    ids=["a start may be at work", "it is the one that is stopped", "it has never lived", "it goes away"],
)
def test_a_stop_counts_while_its_environment_is_there_or_a_start_may_be_at_work(
    status: str, created: float, stopped: float
) -> None:
    mwaa = environment(status, CreatedAt=since(created))
    assert check(World(mwaa=mwaa, cloudwatch=SILENT, dynamodb=stopped_before(stopped)))[0] == "STOPPED"


def test_an_environment_that_lives_although_its_stop_was_not_forgotten_is_healthy() -> None:
    assert check(World(mwaa=environment(CreatedAt=since(30)), dynamodb=stopped_before(40)))[0] == "HEALTHY"


@pytest.mark.parametrize("records", [fails("AccessDeniedException"), Refuses()])
def test_nobody_fails_over_without_knowing_whether_it_was_stopped(records: regions.Behaviour) -> None:
    answer, reason, _ = check(World(cloudwatch=SILENT, dynamodb=records))
    assert answer == "UNKNOWN"
    assert "the records do not tell" in reason


@pytest.mark.parametrize("status", ["AVAILABLE", "UPDATING"])
def test_a_healthy_answer_says_since_when_the_environment_is_there(
    status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with World(mwaa=environment(status)).running() as environ:
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        assert handler(event(), Context())["created_at"] == clock.text(regions.NOW - timedelta(days=30))


@pytest.mark.parametrize(
    "asked", [{"simulate": True}, {"given": {"simulate_dr": "yes"}}, {"given": {"simulate": True}}]
)
def test_a_simulated_disaster_is_unhealthy_at_once_and_asks_nobody(asked: dict[str, Any]) -> None:
    told = handler(event(**asked), Context())
    assert told == {"answer": "UNHEALTHY", "reason": health_check.SIMULATED, "simulated": True, "created_at": ""}


def test_an_input_that_is_not_understood_is_refused() -> None:
    with pytest.raises(Misconfigured, match="simulate_dr"):
        handler(event(given={"simulate_dr": "perhaps"}), Context())


def test_the_calls_end_before_the_shortest_time_out_of_the_function() -> None:
    kind = declared(HealthCheck)["timeout_secs"].kind
    shortest = next(secs for secs in range(1, 1000) if _is_allowed(kind.read, str(secs)))
    pauses = ATTEMPTS_AS_SHIPPED - 1  # standard mode: below 1 s before the second try
    assert ATTEMPTS_AS_SHIPPED * (CONNECT + READ_AS_SHIPPED) + pauses < shortest - MARGIN


ATTEMPTS_AS_SHIPPED, READ_AS_SHIPPED = ATTEMPTS, READ


def _is_allowed(read: Any, text: str) -> bool:
    with contextlib.suppress(ValueError):
        read(text)
        return True
    return False


def test_the_invocation_ends_in_an_answer_although_everything_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_check, "READ", 3)
    hangs = Hangs()
    with World(mwaa=hangs, cloudwatch=hangs, dynamodb=hangs, sts=hangs).running() as environ:
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(Unknown, match="no answer in 1 s"):
            handler(event(), Context(seconds=2))


def test_no_option_of_airflow_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    options = {"secrets.backend_kwargs": "hunter2", "metrics.statsd_on": "False"}
    _, reason, checks = check(World(mwaa=environment(AirflowConfigurationOptions=options), cloudwatch=SILENT))
    assert "hunter2" not in f"{reason} {checks} {capsys.readouterr().out}"
