"""Whether the secondary is what was promised: rows, environment, messages, schedule, work done once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from drill import rules
from drill.backups import Stored
from drill.compare import Difference, compare
from drill.life import Life
from drill.snapshot import Row, Rows, identity, resolve, sequences_behind
from drill.story import Story
from drill.tables import BY_HASH, OF_RUNS

MADE_ANEW = frozenset(
    {
        "CeleryExecutorQueue",
        "CreatedAt",
        "DatabaseVpcEndpointService",
        "LastUpdate",
        "WebserverUrl",
        "WebserverVpcEndpointService",
    }
)
"""What MWAA itself makes with each environment."""

OTHER_FIELDS = MADE_ANEW | {
    "Arn",
    "ExecutionRoleArn",
    "KmsKey",
    "Name",
    "NetworkConfiguration",
    "ServiceRoleArn",
    "SourceBucketArn",
    "Status",
    "Tags",
}
"""What cannot be the same in two environments of two Regions, and the tags, of which there is one more."""

WRITTEN_AT = {
    "asset_dag_run_queue": "created_at",
    "asset_event": "timestamp",
    "dataset_dag_run_queue": "created_at",
    "dataset_event": "timestamp",
    "job": "start_date",
    "log": "dttm",
}
"""Table -> the column that says when the living environment added a row."""


HOME_PAGE = "ab_permission_view(ab_permission(can_read), ab_view_menu(Website))"
"""What a web server gives every role when it starts, as after an update; the restored ones among them."""


def differences(story: Story, after: Rows) -> Iterator[Difference]:
    """Everything that is not as promised; `after` are the rows of the secondary, read when it had gone on."""
    yield from rows(story, after)
    yield from environment(story)
    yield from messages(story)
    yield from schedule(story)
    yield from once(story, after)


def rows(story: Story, after: Rows) -> Iterator[Difference]:
    """Every carried row is there, and nothing else but what the secondary has done since."""
    yield from compared(story, expected(story), after, since=story.lost.at)


def compared(story: Life, wanted: Rows, after: Rows, *, since: datetime) -> Iterator[Difference]:
    """Every wanted row is there, and nothing else but what a living environment has done since; so are sequences."""
    actual = rules.seen(resolve(after), wanted)
    yield from compare(wanted, actual, is_allowed(wanted, actual, since))
    for column in sequences_behind(story.successor.airflow.url):
        yield Difference(column, "wrong", "its sequence is behind")


def expected(story: Story) -> Rows:
    """The rows that the restore has promised."""
    wanted = rules.expected(resolve(story.lost.seen), resolve(story.kept.there), as_written(story, story.lost.backup))
    # The workflow itself sets which of our own DAGs are active in the secondary, and on which schedule.
    theirs = [table for table in ("dag", *BY_HASH) if table in wanted]
    return {**wanted, **{table: [row for row in wanted[table] if not rules.is_own(row)] for table in theirs}}


def as_written(story: Life, backup: Stored) -> str:
    """When a backup was taken, as PostgreSQL writes it."""
    moment = backup.taken_at.isoformat(" ")
    found = story.successor.airflow.query("SET TIME ZONE 'UTC'; SELECT %s::timestamptz::text", moment)
    return str(found[0][0])


def is_allowed(wanted: Rows, actual: Rows, since: datetime) -> Callable[[str, Row], bool]:
    """Tell rows that a living secondary adds after the disaster from rows that should not be there."""
    at = since.isoformat(" ")
    known = {identity("dag_run", row) for row in wanted["dag_run"]}
    new = {identity("dag_run", row) for row in actual["dag_run"] if (row["queued_at"] or row["start_date"] or "") > at}

    def allowed(table: str, row: Row) -> bool:
        if rules.is_own_activity(table, row):
            return True
        if table == "variable":
            return str(row["key"]).startswith("DR_")
        if table == "ab_permission_view_role":
            return row["permission_view_id"] == HOME_PAGE
        if table in OF_RUNS:
            return rules.run_of(row) in new - known
        return table in WRITTEN_AT and (row[WRITTEN_AT[table]] or "") > at

    return allowed


def environment(story: Story) -> Iterator[Difference]:
    """What was created is what was lost, but for what belongs to its Region."""
    config = story.site.config
    before, after = story.lost.fields, story.site.fields(story.site.secondary)
    yield from changed(before, after, but=OTHER_FIELDS)
    side = config.secondary
    own: Mapping[str, Any] = {
        "ExecutionRoleArn": str(side.role_arn),
        "SourceBucketArn": f"arn:aws:s3:::{side.dags_bucket_name}",
        "NetworkConfiguration": {
            "SubnetIds": [*side.subnet_ids],
            "SecurityGroupIds": [*side.security_group_ids],
        },
        "Status": "AVAILABLE",
    }
    for field, value in own.items():
        if after.get(field) != value:
            yield Difference("environment", "wrong", f"{field} is {after.get(field)!r}, not {value!r}")
    for tag, value in before["Tags"].items():
        if after["Tags"].get(tag) != value:
            yield Difference("environment", "wrong", f"tag {tag} is {after['Tags'].get(tag)!r}, not {value!r}")


def changed(before: Mapping[str, Any], after: Mapping[str, Any], *, but: frozenset[str]) -> Iterator[Difference]:
    """Fields of an environment that are not what they were."""
    for field in sorted((before.keys() | after.keys()) - but):
        if before.get(field) != after.get(field):
            yield Difference("environment", "changed", f"{field} is {after.get(field)!r}, not {before.get(field)!r}")


def messages(story: Story) -> Iterator[Difference]:
    """People were told of the beginning and of the end, once, and of nothing else."""
    config = story.site.config
    # Said at the deployment, where the primary was slower to come up than the stack beside it.
    early = f"No heartbeat of {config.primary.environment_name}"
    wanted: dict[str, int] = {
        f"Recovery of {config.primary.environment_name} starts": 1,
        f"{config.secondary.environment_name} has taken over": 1,
    }
    subjects = [subject for subject in story.subjects() if subject != early]
    yield from told(subjects, {**wanted, **story.fault.told})


def told(subjects: list[str], wanted: Mapping[str, int]) -> Iterator[Difference]:
    """Messages with these words in their subjects were sent so often, and no other ones."""
    for words, times in wanted.items():
        found = [subject for subject in subjects if words in subject]
        subjects = [subject for subject in subjects if subject not in found]
        if len(found) != times:
            yield Difference("message", "wrong", f"{words!r} was told {len(found)} times, not {times}")
    for subject in subjects:
        yield Difference("message", "unexpected", subject)


def schedule(story: Story) -> Iterator[Difference]:
    """Nobody checks a primary that has failed over."""
    state = story.site.there("scheduler").get_schedule(Name=story.site.config.schedule_name)["State"]
    if state != "DISABLED":
        yield Difference("schedule", "wrong", f"the health check is {state}")


def once(story: Story, after: Rows) -> Iterator[Difference]:
    """What had succeeded in the backup does not run again, and no run runs twice in the secondary."""
    done = {row["run_id"] for row in story.lost.seen["dag_run"] if row["state"] == "success"}
    there = story.ledger(story.site.secondary.name)
    for run in sorted(done & set(there), key=str):
        yield Difference("work", "ran again", f"{run} had succeeded before the backup")
    yield from twice(there, after)


def twice(ledger: list[str], after: Rows) -> Iterator[Difference]:
    """Runs of the DAG that works every minute which worked, or are there, more than once."""
    for run, times in Counter(ledger).items():
        if times > 1:
            yield Difference("work", "ran again", f"{run} ran {times} times in one environment")
    date = "logical_date" if "dag_version" in after else "execution_date"
    times_of_runs = Counter(row[date] for row in after["dag_run"] if row["dag_id"] == "minutely")
    for moment, times in times_of_runs.items():
        if times > 1:
            yield Difference("work", "ran again", f"the run of {moment} is there {times} times")
