"""Makes the outcome of a stop and a start: moments, the time away against its formula, and every difference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime

from drill import secrecy
from drill.compare import Difference
from drill.executions import Execution
from drill.ground import WAIT_SCALE
from drill.outcome import Moment, Outcome, Part, Run, Step
from drill.report.picture import GONE, START
from drill.stop_start import evidence
from drill.stop_start.site import NOT_HERE, REHEARSED, StopStartSite
from drill.stop_start.story import StopStartStory
from drill.strategies import GONE as LOOKED_GONE
from drill.strategies import STOP_START
from drill.verdict import REAL, SIMULATED, running_again, since, states_told, steps, tables
from lib.config.start_stop import COMMON_MINS, StartStop
from lib.stop_start.saving import Report
from lib.stop_start.window import Window

TOLD_STATES = {
    "stop": {
        "Note which DAGs are active": "the active DAGs are noted, and each is paused as soon as nothing of it runs",
        "Wait until the backup DAG is parsed": "nothing runs any more, the backup begins",
        "Store the blueprint": "the backup is taken, and is to be proved",
        "Record the stop": "the backup is proved, and nothing has run since",
        "Delete the environment": "the environment is being deleted",
        "End the note and give the lease back": GONE,
    },
    "start": {
        "Create the environment": "the environment is being created",
        "Look at the environment": "the environment is available, and empty",
        "Restore the metadata": "the restore begins",
        "Record the restore": "the backup is restored, DAGs are active",
    },
}
"""Workflow -> state -> what its first entry means to people, in the order of the workflows."""

YEAR = 364
"""Days that schedules are looked at for what they save."""


def outcome(story: StopStartStory, airflow: str) -> Outcome:
    """What a story came to, however far it came."""
    begin = story.ends["stop"].started
    last = [*story.ends.values()][-1]
    found = Outcome(
        strategy=STOP_START.name,
        title=STOP_START.title,
        airflow=airflow,
        status=last.status,
        formula=STOP_START.formula,
        moments=[*_moments(story, begin)],
        steps=[step for what, execution in story.ends.items() for step in _steps(story.site, what, execution, begin)],
        messages=story.subjects(),
        real=[*REAL, "both schedules with their roles and the input that they write; the rehearsal lets them fire"],
        simulated=_simulated(story.site),
        phases=story.kept.parts,
    )
    if not story.is_through:
        words = f"the {[*story.ends][-1]} ended as {last.status} in {last.path[-1]!r}: {last.error} {last.cause[:500]}"
        return replace(found, differences=[Difference("workflow", "failed", words)])
    return _whole(story, found)


def _whole(story: StopStartStory, found: Outcome) -> Outcome:
    """With all that there is to tell when the environment is there again."""
    begin, backup = story.ends["stop"].started, story.backup
    after, running = story.rows_of(story.successor), running_again(story, story.ends["start"].started)
    differences = [*evidence.differences(story, after), *secrecy.differences(story)]
    moments = [*found.moments, *([Moment(since(begin, running), "a DAG runs again")] if running else [])]
    return replace(
        found,
        away_seconds=since(begin, running) if running else None,
        notes=[saved(story.site.config, Window.today(story.site.environment))],
        moments=sorted(moments, key=lambda moment: moment.seconds),
        parts=[*_parts(story)],
        backup_id=backup.id,
        compared=sum(len(rows) for rows in evidence.expected(story).values()),
        tables=tables(backup.manifest, story.backups.report_of_restore(backup.id)),
        not_carried=backup.manifest["not_carried"],
        lost=[Run(*run, words) for run, words in evidence.lost(story.seen, story.last).items()],
        logs_searched=sum(len(text) for _, text in secrecy.logged(story)),
        differences=differences,
    )


def _moments(story: StopStartStory, begin: datetime) -> Iterator[Moment]:
    for what, execution in story.ends.items():
        yield Moment(since(begin, execution.started), START if what == "start" else "the schedule begins the stop")
        yield from states_told(execution, TOLD_STATES[what], begin)
        if execution.ended:
            yield Moment(since(begin, execution.ended), f"the {what} ends: {execution.status}")


def _steps(site: StopStartSite, what: str, execution: Execution, begin: datetime) -> Iterator[Step]:
    return steps(f"The {what}", site.here("stepfunctions"), site.machine(what), execution, begin)


def _parts(story: StopStartStory) -> Iterator[Part]:
    stop, start = story.ends["stop"], story.ends["start"]
    yield from _measured(stop)
    gone = stop.visit(LOOKED_GONE)
    if gone and gone.left:
        yield Part("gone", since(gone.left, start.started))
    yield from _measured(start)


def _measured(execution: Execution) -> Iterator[Part]:
    for name, length in STOP_START.measured(execution):
        yield Part(name, round(length.total_seconds(), 1))


def saved(plan: StartStop, first: date) -> str:
    """What the schedules of the first environment come to, in the year from a day on."""
    environment = plan.environments[0]
    window = Window.of_days(environment, first, YEAR)
    week = Report(window, COMMON_MINS, environment.cost_per_hour).averages()["a week"]
    rate = environment.cost_per_hour
    money = f", which saves {week.off * rate:,.2f} at {rate:g} an hour" if rate else ""
    return (
        f"On AWS the schedules of {environment.name} leave {week.off:.1f} of {week.hours:.0f} hours a week unbilled"
        f"{money}, if a stop and a start take {COMMON_MINS} minutes each"
    )


def _simulated(site: StopStartSite) -> list[str]:
    changed = ", ".join(f"{name}={value}" for name, value in REHEARSED.items())
    return [
        *SIMULATED,
        f"time: the stop begins at a random moment of a minute instead of"
        f" {site.environment.stop_schedule.expression}, the environment is gone for seconds instead of a night, waits"
        f" of the workflows are {1 / WAIT_SCALE:.0f} times shorter",
        "deletion of an environment takes as long as its processes need to end, not 20 to 30 minutes",
        f"set for the rehearsal: {changed}; left out: {', '.join(NOT_HERE)}; the network is its own",
    ]
