"""Makes the outcome of a story: moments, times against the formula, what was lost, and every difference."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

from drill import evidence, secrecy
from drill.compare import Difference
from drill.executions import Execution
from drill.outcome import Moment, Outcome, Part, Run, Step, TableRows
from drill.rules import OWN_DAGS
from drill.site import BACKUP_MINUTES, REHEARSED, WAIT_SCALE, Site
from drill.snapshot import Rows
from drill.story import Story
from drill.strategies import Strategy
from drill.tables import rows_of

TOLD_STATES = {
    "Take the lease": "the failure is detected",
    "Disable the health schedule": "the recovery begins",
    "Create the secondary environment": "the secondary environment is being created",
    "Look at the secondary environment": "the secondary environment is available",
    "Clean the standby up": "the standby is being emptied",
    "Restore the metadata": "the restore begins",
    "Tell a drill from a failover": "the backup is restored",
}
"""State -> what its first entry means to people, in the order of the workflows."""


def outcome(story: Story, strategy: Strategy, airflow: str) -> Outcome:
    """What a story came to that was recovered."""
    execution, lost = story.execution, story.lost
    story.site.aws.heal()  # the logs of the lost Region are to be read
    after = story.rows_of(story.secondary)
    searched = sum(len(text) for _, text in secrecy.logged(story))
    report = story.backups.report_of_restore(lost.backup.id)
    running = _running_again(story)
    return Outcome(
        strategy=strategy.name,
        title=strategy.title,
        airflow=airflow,
        fault=story.fault.words,
        expected=story.fault.expected,
        status=execution.status,
        formula=strategy.formula,
        rto_seconds=_since(lost.at, running) if running else None,
        rpo_seconds=_since(lost.backup.taken_at, lost.at),
        interval_seconds=BACKUP_MINUTES * 60.0,
        moments=_moments(story, execution, running),
        parts=_parts(story.site, strategy, execution),
        backup_id=lost.backup.id,
        compared=sum(len(rows) for rows in evidence.expected(story).values()),
        tables=_tables(lost.backup.manifest, report),
        not_carried=lost.backup.manifest["not_carried"],
        lost=_lost_runs(story),
        interrupted=[_interrupted(run) for run in lost.backup.manifest["interrupted"]],
        steps=_steps(story, execution),
        messages=story.subjects(),
        logs_searched=searched,
        simulated=simulated(story.site),
        phases=story.kept.parts,
        differences=_differences(story, after),
    )


def simulated(site: Site) -> list[str]:
    """What was not as on AWS, for whoever reads the report."""
    check = site.config.health_check.interval_mins
    changed = ", ".join(f"{name}={value}" for name, value in REHEARSED.items())
    return [
        "AWS itself: ministack and what drill/aws mends in it (docs/local-aws.md); IAM is not enforced",
        "MWAA's containers: scheduler, triggerer and web server are processes of this machine, tasks run beside the"
        " scheduler",
        f"time: the health check runs every {site.check_seconds:.0f} s instead of {check} min, waits of the workflow"
        f" are {1 / WAIT_SCALE:.0f} times shorter",
        "creation of an environment takes as long as Airflow needs to start, not 20 to 30 minutes",
        f"set for the rehearsal: {changed}; VPCs, subnets and security groups are its own",
    ]


def _differences(story: Story, after: Rows) -> list[Difference]:
    execution, ends = story.execution, story.kept.ends
    if ends != [*story.fault.ends]:
        words = f"it ended as {', then '.join(ends)}, not {', then '.join(story.fault.ends)}: {execution.cause[:500]}"
        return [Difference("workflow", "failed", words)]
    return [*evidence.differences(story, after), *secrecy.differences(story)]


def _since(begin: datetime, moment: datetime) -> float:
    return round((moment - begin).total_seconds(), 1)


def _moments(story: Story, execution: Execution, running: datetime | None) -> list[Moment]:
    lost = story.lost
    found = [
        Moment(_since(lost.at, lost.backup.taken_at), f"backup {lost.backup.id} is taken"),
        Moment(0.0, "the primary Region is lost"),
        Moment(_since(lost.at, execution.started), "a scheduled health check starts"),
    ]
    for state, words in TOLD_STATES.items():
        if visit := execution.first_visit(state):
            found.append(Moment(_since(lost.at, visit.entered), words))
    found += [Moment(_since(lost.at, moment), words) for words, moment in story.kept.moments.items()]
    if execution.ended:
        found.append(Moment(_since(lost.at, execution.ended), f"the workflow ends: {execution.status}"))
    if running:
        found.append(Moment(_since(lost.at, running), "a DAG runs again, in the secondary"))
    return sorted(found, key=lambda moment: moment.seconds)


def _running_again(story: Story) -> datetime | None:
    """When the first task of a user's DAG began in the secondary."""
    found = story.secondary.airflow.query(
        "SELECT min(start_date) FROM task_instance WHERE start_date > %s AND dag_id <> ALL(%s)",
        story.lost.at,
        [*OWN_DAGS],
    )
    moment: datetime | None = found[0][0]
    return moment.astimezone(timezone.utc) if moment else None


def _parts(site: Site, strategy: Strategy, execution: Execution) -> list[Part]:
    interval = Part("interval of the health check", site.check_seconds)
    measured = strategy.measured(execution)
    return [interval, *(Part(name, round(length.total_seconds(), 1)) for name, length in measured)]


def _tables(manifest: dict[str, Any], report: dict[str, Any]) -> list[TableRows]:
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


def _steps(story: Story, execution: Execution) -> list[Step]:
    """Every state of the workflow in the order in which it is drawn."""
    from docs.outline import outline as drawn

    said = story.site.there("stepfunctions").describe_state_machine(stateMachineArn=story.site.machine)
    steps = []
    for name in drawn(json.loads(said["definition"])).kinds:
        visit = execution.first_visit(name)
        steps.append(Step(name, _since(story.lost.at, visit.entered) if visit else None))
    return steps
