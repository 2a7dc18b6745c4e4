"""What the variables of stop and start must not say together."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from lib.config import deadlines, names, rules
from lib.config.findings import Finding
from lib.config.rules import Rule
from lib.config.section import UnreadableError
from lib.config.sources import Origin
from lib.config.start_stop import COMMON_MINS, StartStop
from lib.config.start_stop_sections import Environment
from lib.config.transitions import collisions

EnvironmentRule = Callable[[StartStop, Environment], Iterator[Finding]]


def _each(rule: EnvironmentRule) -> Rule[StartStop]:
    """The rule for every environment; one that could not be read hides no other's faults."""

    def check(plan: StartStop) -> Iterator[Finding]:
        for environment in plan.environments:
            with contextlib.suppress(UnreadableError):
                yield from rule(plan, environment)

    return check


def _version_is_served(_: StartStop, environment: Environment) -> Iterator[Finding]:
    yield from rules.version_is_served(environment, "version", environment.version)


def _version_is_doubtful(_: StartStop, environment: Environment) -> Iterator[Finding]:
    yield from rules.version_is_doubtful(environment, "version", environment.version)


def _role_is_ours(plan: StartStop, environment: Environment) -> Iterator[Finding]:
    yield from rules.role_is_ours(environment, environment.role_arn, plan.schedules.account_id, plan.partition)


def _key_is_there(plan: StartStop, environment: Environment) -> Iterator[Finding]:
    for field in ("dags_kms_key_arn", "kms_key_arn"):
        key = getattr(environment, field)
        yield from rules.key_is_in_region(environment, field, key, plan.schedules.region)


def _bucket_is_not_the_backup_bucket(plan: StartStop, environment: Environment) -> Iterator[Finding]:
    if environment.dags_bucket_name == plan.backup_bucket_name:
        yield environment.finding("dags_bucket_name", "allowed: another bucket than that of the backups")


def _network_is_whole(_: StartStop, environment: Environment) -> Iterator[Finding]:
    fields = ("vpc_id", "subnet_ids", "security_group_ids")
    found = [field for field in fields if getattr(environment, field)]
    for field in fields if found else ():
        if field not in found:
            name = environment.name_of(field)
            why = f"needed because {environment.name_of(found[0])} is set"
            yield Finding(name, f"{name} is not set, allowed: that of the same network; {why}")


def _schedules_agree(plan: StartStop, environment: Environment) -> Iterator[Finding]:
    stop = (plan.schedules.pause_timeout_mins, plan.drain_mins(environment))
    for collision in collisions(environment, sum(stop), plan.schedules.resume_timeout_mins):
        limit = f"{stop[0]} SFN_PAUSE_TIMEOUT_MINS"
        limit += f" + {stop[1]} {environment.name_of('drain_mins')} = {sum(stop)}" if stop[1] else ""
        if collision.after == "start":
            limit = f"{plan.schedules.resume_timeout_mins} SFN_RESUME_TIMEOUT_MINS"
        words = (
            f"allowed: times that leave each {collision.after} the minutes it may take, {limit}; {collision.example}"
        )
        yield environment.finding(f"{collision.of}_schedule", words)


def _environments_differ(plan: StartStop) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for index, environment in enumerate(plan.environments):
        given = environment.given["name"]
        if (before := seen.get(given.text or "")) == given.variable:
            one = f"{given.variable}__{plan.schedules.environments[index]}"
            yield environment.finding("name", f"allowed: one for each environment, as {one}")
        elif before:
            yield environment.finding("name", f"allowed: another environment than {before} names")
        if given.text:
            seen[given.text] = given.variable


def _bucket_name_fits(plan: StartStop) -> Iterator[Finding]:
    for words in names.bucket(plan.backup_bucket_name).excess():
        yield plan.schedules.finding("stack_name", f"allowed: a shorter one, since {words}")


def _machine_names_fit(plan: StartStop, environment: Environment) -> Iterator[Finding]:
    for words in names.state_machine(plan.machine_name(environment, "reactivate")).excess():
        yield plan.schedules.finding("stack_name", f"allowed: a shorter one, since {words}")


def _dags_are_different(plan: StartStop) -> Iterator[Finding]:
    yield from rules.names_differ(plan.schedules, "export_dag_name", "import_dag_name")


def _steps_fit(plan: StartStop) -> Iterator[Finding]:
    for transition in plan.transitions():
        if transition.left_mins < 1:
            field = "pause_timeout_mins" if transition == plan.stop else "resume_timeout_mins"
            words = f"allowed: more than its steps take in minutes, {deadlines.arithmetic(transition.steps)}"
            yield plan.schedules.finding(field, f"{words}, and the {COMMON_MINS} of MWAA besides")


def _heartbeat_fits(plan: StartStop) -> Iterator[Finding]:
    yield from rules.heartbeat_fits(plan.engine, plan.deadlines, "export_mins", "import_mins")


def _polling_is_long_enough(plan: StartStop) -> Iterator[Finding]:
    for transition in plan.transitions():
        left = plan.poll_mins(transition)
        if 1 <= left < COMMON_MINS:
            sum_ = deadlines.arithmetic(transition.steps)
            words = f"of which {left} are left for MWAA, where {COMMON_MINS} are common"
            field = "pause_timeout_mins" if transition == plan.stop else "resume_timeout_mins"
            yield plan.schedules.finding(
                field, f"{words} (other steps: {sum_}; SFN_POLL_TIMEOUT_MINS: {plan.schedules.poll_timeout_mins})"
            )


def _history_comes_back(plan: StartStop) -> Iterator[Finding]:
    if plan.engine.is_config_only:
        yield plan.engine.finding("mode", "allowed: DATABASE, since a stop deletes the history that a start restores")


def _region_is_known(plan: StartStop) -> Iterator[Finding]:
    yield from rules.region_is_known(plan.schedules, "region", plan.schedules.region)


def _place_is_in_the_file(plan: StartStop) -> Iterator[Finding]:
    for field in ("account_id", "region"):
        if plan.schedules.given[field].origin is Origin.ENVIRONMENT:
            yield plan.schedules.finding(
                field, "from the environment, where the CDK command line overwrites it: set it in .env"
            )


ERRORS: tuple[Rule[StartStop], ...] = (
    _each(_version_is_served),
    _each(_role_is_ours),
    _each(_key_is_there),
    _each(_bucket_is_not_the_backup_bucket),
    _each(_network_is_whole),
    _steps_fit,
    _each(_schedules_agree),
    _environments_differ,
    _bucket_name_fits,
    _each(_machine_names_fit),
    _dags_are_different,
    _heartbeat_fits,
    _history_comes_back,
)

WARNINGS: tuple[Rule[StartStop], ...] = (
    _each(_version_is_doubtful),
    _polling_is_long_enough,
    _region_is_known,
    _place_is_in_the_file,
)
