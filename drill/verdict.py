"""Makes the outcome of a story: moments, times against the formula, what was lost, and every difference."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from itertools import chain
from typing import Any

from drill import evidence, fault_evidence, secrecy
from drill.compare import Difference
from drill.executions import Execution
from drill.ground import WAIT_SCALE
from drill.life import Life
from drill.outcome import Moment, Outcome, Part, Run, Step, TableRows
from drill.report.picture import DETECTED, DISASTER
from drill.rules import OWN_DAGS
from drill.site import BACKUP_MINUTES, REHEARSED, Site
from drill.snapshot import Rows
from drill.story import Story
from drill.strategies import Strategy
from drill.tables import rows_of

TOLD_STATES = {
    "Take the lease": DETECTED,
    "Disable the health schedule": "the recovery begins",
    "Create the secondary environment": "the secondary environment is being created",
    "Look at the secondary environment": "the secondary environment is available",
    "Clean the standby up": "the standby is being emptied",
    "Restore the metadata": "the restore begins",
    "Tell a drill from a failover": "the backup is restored",
}
"""State -> what its first entry means to people, in the order of the workflows."""


REAL = (
    "the CloudFormation templates that the CDK synthesises from this .env, deployed by its command line",
    "the state machines and the code of every Lambda function",
    "Airflow: scheduler, triggerer, web server with its REST API, commands, tasks; on a PostgreSQL server for each"
    " environment",
    "mwaa_dr as the stacks put it into the DAGs bucket: the DAGs that back up and restore, which answer by task token",
)
SIMULATED = (
    "AWS itself: ministack and what drill/aws mends in it (docs/local-aws.md)",
    "MWAA's containers: scheduler, triggerer and web server are processes of this machine, tasks run beside the"
    " scheduler",
    "creation of an environment takes as long as Airflow needs to start, not 20 to 30 minutes",
)


def outcome(story: Story, strategy: Strategy, airflow: str) -> Outcome:
    """What a story came to that was recovered."""
    execution, lost = story.execution, story.lost
    story.site.aws.heal()  # the logs of the lost Region are to be read
    after = story.rows_of(story.secondary)
    searched = sum(len(text) for _, text in secrecy.logged(story))
    report = story.backups.report_of_restore(lost.backup.id)
    running = running_again(story, lost.at)
    return Outcome(
        strategy=strategy.name,
        title=strategy.title,
        airflow=airflow,
        fault=story.fault.words,
        expected=story.fault.expected,
        status=execution.status,
        formula=strategy.formula,
        rto_seconds=since(lost.at, running) if running else None,
        rpo_seconds=since(lost.backup.taken_at, lost.at),
        interval_seconds=BACKUP_MINUTES * 60.0,
        moments=_moments(story, execution, running),
        parts=_parts(story.site, strategy, execution),
        backup_id=lost.backup.id,
        compared=sum(len(rows) for rows in evidence.expected(story).values()),
        tables=tables(lost.backup.manifest, report),
        not_carried=lost.backup.manifest["not_carried"],
        lost=_lost_runs(story),
        interrupted=[_interrupted(run) for run in lost.backup.manifest["interrupted"]],
        steps=[*steps("The recovery", story.site.there("stepfunctions"), story.site.machine, execution, lost.at)],
        messages=story.subjects(),
        logs_searched=searched,
        real=[*REAL, "replication of backups and DAGs by the rules of the templates"],
        simulated=simulated(story.site),
        phases=story.kept.parts,
        differences=_differences(story, after),
    )


def simulated(site: Site) -> list[str]:
    """What was not as on AWS, for whoever reads the report."""
    check = site.config.health_check.interval_mins
    changed = ", ".join(f"{name}={value}" for name, value in REHEARSED.items())
    return [
        *SIMULATED,
        f"time: the health check runs every {site.check_seconds:.0f} s instead of {check} min, waits of the workflow"
        f" are {1 / WAIT_SCALE:.0f} times shorter",
        f"set for the rehearsal: {changed}; VPCs, subnets and security groups are its own",
    ]


def _differences(story: Story, after: Rows) -> list[Difference]:
    execution, ends = story.execution, story.kept.ends
    if ends != [*story.fault.ends]:
        words = f"it ended as {', then '.join(ends)}, not {', then '.join(story.fault.ends)}: {execution.cause[:500]}"
        return [Difference("workflow", "failed", words)]
    found = (evidence.differences(story, after), fault_evidence.differences(story), secrecy.differences(story))
    return [*chain(*found)]


def since(begin: datetime, moment: datetime) -> float:
    """Seconds, as they are told."""
    return round((moment - begin).total_seconds(), 1)


def _moments(story: Story, execution: Execution, running: datetime | None) -> list[Moment]:
    lost = story.lost
    found = [
        Moment(since(lost.at, lost.backup.taken_at), f"backup {lost.backup.id} is taken"),
        Moment(0.0, DISASTER),
        Moment(since(lost.at, execution.started), "a scheduled health check starts"),
    ]
    found += states_told(execution, TOLD_STATES, lost.at)
    found += [Moment(since(lost.at, moment), words) for words, moment in story.kept.moments.items()]
    if execution.ended:
        found.append(Moment(since(lost.at, execution.ended), f"the workflow ends: {execution.status}"))
    if running:
        found.append(Moment(since(lost.at, running), "a DAG runs again, in the secondary"))
    return sorted(found, key=lambda moment: moment.seconds)


def states_told(execution: Execution, words: Mapping[str, str], begin: datetime) -> Iterator[Moment]:
    """When states were entered first, in words."""
    for state, what in words.items():
        if visit := execution.first_visit(state):
            yield Moment(since(begin, visit.entered), what)


def running_again(story: Life, since: datetime) -> datetime | None:
    """When the first task of a user's DAG began in what goes on in the end."""
    found = story.successor.airflow.query(
        "SELECT min(start_date) FROM task_instance WHERE start_date > %s AND dag_id <> ALL(%s)", since, [*OWN_DAGS]
    )
    moment: datetime | None = found[0][0]
    return moment.astimezone(timezone.utc) if moment else None


def _parts(site: Site, strategy: Strategy, execution: Execution) -> list[Part]:
    interval = Part("interval of the health check", site.check_seconds)
    measured = strategy.measured(execution)
    return [interval, *(Part(name, round(length.total_seconds(), 1)) for name, length in measured)]


def tables(manifest: dict[str, Any], report: dict[str, Any]) -> list[TableRows]:
    """What was in a backup, and what its restore did with that."""
    done = {line["table"]: line for line in report.get("tables", ())}
    return [
        TableRows(
            table,
            rows,
            *(done.get(table, {}).get(column) for column in ("inserted", "replaced", "kept", "dropped")),
        )
        for table, rows in rows_of(manifest).items()
    ]


def _lost_runs(story: Story) -> list[Run]:
    """What was begun or went on after the backup."""
    seen = {(row["dag_id"], row["run_id"]): row["state"] for row in story.lost.seen["dag_run"]}
    return [
        Run(dag_id, run_id, f"{state} at the disaster, {seen.get((dag_id, run_id)) or 'not there'} in the backup")
        for dag_id, run_id, state in story.lost.runs
        if dag_id not in OWN_DAGS and seen.get((dag_id, run_id)) != state
    ]


def _interrupted(run: dict[str, Any]) -> Run:
    return Run(run["dag_id"], run["run_id"], f"{run['state']}, becomes {run['becomes']}")


def steps(workflow: str, states: Any, machine: str, execution: Execution, begin: datetime) -> Iterator[Step]:
    """Every state of a workflow in the order in which it is drawn."""
    from docs.outline import outline as drawn

    said = states.describe_state_machine(stateMachineArn=machine)
    for state in drawn(json.loads(said["definition"])).kinds:
        visit = execution.first_visit(state)
        yield Step(state, since(begin, visit.entered) if visit else None, workflow)
