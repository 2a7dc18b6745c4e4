"""The primary's life: its real scheduler runs the living DAGs, dies in the middle, and a backup is left."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from tests.living.environment import INTERVALS, Living
from tests.support import engine

HOURLY = ("hourly", "hourly_paused", "late_active", "late_paused", "newcomer")
OTHERS = (
    "yearly",
    "contested",
    "overlapping",
    "ticking",
    "chatty",
    "alarming",
    "interrupted",
    "producing",
    "consuming",
)
PAUSED = ("hourly_paused", "late_paused")
KEPT = range(5, 8)
"""The hourly intervals in the backup: older ones were cleaned, younger ones came after it."""
OVERLAPPING = 3
"""How many runs that DAG ever has."""
RUN = "by_hand+1"

AT_WORK = {
    "first": "success",
    "staying": "running",
    "deferring": "deferred",
    "retrying": "up_for_retry",
    "looking": "up_for_reschedule",
    "stay_for[0]": "success",
    "stay_for[1]": "running",
    "last": None,
}
"""What the disaster interrupts."""


@dataclass
class Remains:
    """What is known of a primary that is no more."""

    start: str
    delay: timedelta
    """How long after its logical date an hourly run is due."""
    contested: int = 0
    """How many runs of that DAG there were."""
    ticked: list[str] = field(default_factory=list)
    """The finished runs of the DAG that leaves a trace of each."""
    cleared_tasks: list[list[Any]] = field(default_factory=list)
    """The interrupted run's tasks after Airflow itself cleared the unfinished ones."""
    cleared_run: list[Any] = field(default_factory=list)
    """And the run itself."""
    logs: list[str] = field(default_factory=list)
    """Log files below the primary's log folder."""

    @property
    def begin(self) -> datetime:
        """The start date of the hourly DAGs."""
        return datetime.fromisoformat(self.start)

    def hour(self, number: int) -> datetime:
        """The logical date of an hourly interval."""
        return self.begin + timedelta(hours=number)

    @property
    def kept(self) -> list[datetime]:
        """The hourly runs that the backup holds."""
        return [self.hour(number) for number in KEPT]

    def due(self) -> list[datetime]:
        """The hourly runs that no environment has done yet, of all intervals that are over by now."""
        hours = (self.hour(number) for number in range(KEPT[-1] + 1, 24))
        return [hour for hour in hours if hour + self.delay <= datetime.now(timezone.utc)]

    def wanted(self) -> list[datetime]:
        """The hourly runs that an environment has when it goes on from the backup: no older ones, none twice."""
        return [*self.kept, *self.due()]


def live(primary: Living, start: datetime) -> None:
    """Let the real scheduler run everything, until only the work is left that a disaster will interrupt."""
    primary.let_go()
    primary.start("scheduler", "triggerer")
    primary.act(
        unpause=[*HOURLY, *OTHERS, *(["refilled"] if primary.version >= (3,) else []), *watched(primary)],
        trigger=[
            *({"dag_id": dag_id, "run_id": RUN} for dag_id in ("interrupted", "producing", *watched(primary))),
            {"dag_id": "chatty", "run_id": RUN},
            {"dag_id": "alarming", "run_id": RUN, "conf": {"fail": True}},
        ],
    )
    if primary.version >= (3,):
        primary.fill_back("refilled", start)
    primary.wait("the primary's runs", lambda: _unfinished(primary))


def watched(airflow: Living) -> list[str]:
    """The DAG with a deadline, which Airflow watches from 3.1 on."""
    return ["deadlined"] if airflow.version >= (3, 1) else []


def _unfinished(primary: Living) -> str:
    if len(primary.dates("contested")) < 30:
        return "contested has not run often enough"
    for dag_id in HOURLY:
        done = [state for state in primary.runs(dag_id).values() if state == "success"]
        if len(done) < INTERVALS:
            return f"{dag_id} ran {len(done)} times"
    if list(primary.runs("overlapping").values()) != ["success"] * OVERLAPPING:
        return f"overlapping {primary.runs('overlapping')}"
    if primary.consumed() != 1:
        return f"consuming ran {primary.consumed()} times"
    if primary.version >= (3,) and primary.filled_back() != [("refilled", "success")]:
        return f"filled back: {primary.filled_back()}"
    if watched(primary) and list(primary.tasks_of("deadlined").values()) != ["running"]:
        return f"deadlined {primary.tasks_of('deadlined')}"
    if primary.runs("chatty").get(RUN) != "success" or primary.runs("alarming").get(RUN) != "failed":
        return f"chatty {primary.runs('chatty')}, alarming {primary.runs('alarming')}"
    missing = kinds_of_alarm(primary) - {line.split()[0] for line in primary.lines("alarms")}
    if missing:
        return f"nobody was told: {missing}"
    tasks = primary.tasks("interrupted", RUN)
    return "" if tasks == AT_WORK else f"at work: {tasks}"


def kinds_of_alarm(airflow: Living) -> set[str]:
    """Who is told that a run has failed; Airflow 3 sends no mail without the SMTP provider."""
    return {"task_failed", "run_failed", *(["mail"] if airflow.version < (3,) else [])}


def lose(primary: Living, start: datetime) -> Remains:
    """Kill everything; then let the database look as it would after months: cleaned, and some hours ago."""
    primary.kill()
    for dag_id in HOURLY:
        primary.query(
            f"DELETE FROM dag_run WHERE dag_id = %s AND NOT {primary.dated} BETWEEN %s AND %s",
            dag_id,
            start + timedelta(hours=KEPT[0]),
            start + timedelta(hours=KEPT[-1]),
        )
    primary.query("UPDATE dag SET is_paused = true WHERE dag_id = ANY(%s)", list(PAUSED))
    if primary.version < (3,):
        miss(primary, start.isoformat())
    if watched(primary):
        primary.query("UPDATE deadline SET deadline_time = now() - interval '1 hour'")
    logs = primary.folder / "logs"
    return Remains(
        start.isoformat(),
        primary.delay,
        contested=len(primary.dates("contested")),
        ticked=[run for run, state in primary.runs("ticking").items() if state == "success"],
        logs=sorted(str(path.relative_to(logs)) for path in logs.rglob("of_primary/**/*.log")),
    )


def miss(airflow: Living, date: str) -> None:
    """Let an SLA be missed and recorded, and not told to anybody yet."""
    airflow.query(
        "INSERT INTO sla_miss (task_id, dag_id, execution_date, email_sent, notification_sent, timestamp)"
        " VALUES ('punctual', 'alarming', %s, false, false, now())",
        date,
    )


CLEAR = """
import airflow
from airflow.models import TaskInstance
from airflow.models.taskinstance import clear_task_instances
from airflow.utils.session import create_session
import sys
more = {}
if airflow.__version__.startswith("2"):
    from airflow.models import DagBag
    more = {"dag": DagBag(read_dags_from_db=True).get_dag("interrupted")}
with create_session() as session:
    tis = session.query(TaskInstance).filter(
        TaskInstance.dag_id == "interrupted", TaskInstance.run_id == sys.argv[1]
    ).all()
    clear_task_instances([ti for ti in tis if ti.state != "success"], session, **more)
answer = None
"""


def clear_by_airflow(primary: Living, remains: Remains) -> None:
    """Let Airflow itself clear what was interrupted, after the tasks that nobody supervises were failed."""
    primary.query("UPDATE task_instance SET state = 'failed' WHERE dag_id = 'interrupted' AND state = 'running'")
    primary.query("UPDATE dag_run SET state = 'failed' WHERE dag_id = 'interrupted'")
    primary.ask(CLEAR, RUN)
    remains.cleared_tasks = tasks_after_clearing(primary)
    remains.cleared_run = run_after_clearing(primary)


def tasks_after_clearing(airflow: Living) -> list[list[Any]]:
    """What clearing changes in the interrupted run's tasks."""
    tries = (
        "(SELECT count(*) FROM task_instance_history h WHERE h.dag_id = t.dag_id AND h.run_id = t.run_id"
        " AND h.task_id = t.task_id AND h.map_index = t.map_index)"
    )
    of_task = "r.dag_id = t.dag_id AND r.run_id = t.run_id AND r.task_id = t.task_id"
    rows = airflow.query(
        "SELECT t.task_id, t.map_index, t.state, t.try_number, t.max_tries, t.next_method, t.external_executor_id,"
        f" (SELECT count(*) FROM task_reschedule r WHERE {of_task if airflow.version < (3,) else 'r.ti_id = t.id'}),"
        f" t.next_kwargs::text, {tries if airflow.version >= (2, 10) else 0}"
        " FROM task_instance t WHERE t.dag_id = 'interrupted' AND t.run_id = %s ORDER BY 1, 2",
        RUN,
    )
    return [list(row) for row in rows]


def run_after_clearing(airflow: Living) -> list[Any]:
    """What clearing changes in the interrupted run itself."""
    times_cleared = "clear_number" if airflow.version >= (2, 8) else "0"
    rows = airflow.query(
        f"SELECT state, start_date, last_scheduling_decision, {times_cleared} FROM dag_run WHERE dag_id = 'interrupted'"
    )
    return list(rows[0])


def back_up(primary: Living, place: Path) -> None:
    """Take the backup that all stories restore."""
    engine.backup(primary.url, place, version=".".join(map(str, primary.version)))
