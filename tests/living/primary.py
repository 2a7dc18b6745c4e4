"""The primary's life: its real scheduler runs the living DAGs, dies in the middle, and a backup is left."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from tests.living.environment import INTERVALS, Living
from tests.support import engine

HOURLY = ("hourly", "hourly_paused", "late_active", "late_paused", "newcomer")
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
        return [hour for hour in hours if hour + timedelta(hours=1) <= datetime.now(timezone.utc)]

    def wanted(self) -> list[datetime]:
        """The hourly runs that an environment has when it goes on from the backup: no older ones, none twice."""
        return [*self.kept, *self.due()]


def live(primary: Living) -> None:
    """Let the real scheduler run everything, until only the work is left that a disaster will interrupt."""
    primary.let_go()
    primary.start("scheduler", "triggerer")
    primary.act(
        unpause=[*HOURLY, "yearly", "contested", "overlapping", "ticking", "chatty", "alarming", "interrupted"],
        trigger=[
            {"dag_id": "interrupted", "run_id": RUN},
            {"dag_id": "chatty", "run_id": RUN},
            {"dag_id": "alarming", "run_id": RUN, "conf": {"fail": True}},
        ],
    )
    primary.wait("the primary's runs", lambda: _unfinished(primary))


def _unfinished(primary: Living) -> str:
    if len(primary.dates("contested")) < 60:
        return "contested has not run often enough"
    for dag_id in HOURLY:
        done = [state for state in primary.runs(dag_id).values() if state == "success"]
        if len(done) < INTERVALS:
            return f"{dag_id} ran {len(done)} times"
    if list(primary.runs("overlapping").values()) != ["success"] * OVERLAPPING:
        return f"overlapping {primary.runs('overlapping')}"
    if primary.runs("chatty").get(RUN) != "success" or primary.runs("alarming").get(RUN) != "failed":
        return f"chatty {primary.runs('chatty')}, alarming {primary.runs('alarming')}"
    kinds = {line.split()[0] for line in primary.lines("alarms")}
    if not {"mail", "task_failed", "run_failed"} <= kinds:
        return f"alarms are {kinds}"
    tasks = primary.tasks("interrupted", RUN)
    return "" if tasks == AT_WORK else f"at work: {tasks}"


def lose(primary: Living, start: datetime) -> Remains:
    """Kill everything; then let the database look as it would after months: cleaned, and some hours ago."""
    primary.kill()
    for dag_id in HOURLY:
        primary.query(
            "DELETE FROM dag_run WHERE dag_id = %s AND NOT execution_date BETWEEN %s AND %s",
            dag_id,
            start + timedelta(hours=KEPT[0]),
            start + timedelta(hours=KEPT[-1]),
        )
    primary.query("UPDATE dag SET is_paused = true WHERE dag_id = ANY(%s)", list(PAUSED))
    # Missed, recorded, and not told to anybody yet.
    primary.query(
        "INSERT INTO sla_miss (task_id, dag_id, execution_date, email_sent, notification_sent, timestamp)"
        " VALUES ('punctual', 'alarming', %s, false, false, now())",
        start,
    )
    logs = primary.folder / "logs"
    return Remains(
        start.isoformat(),
        contested=len(primary.dates("contested")),
        ticked=[run for run, state in primary.runs("ticking").items() if state == "success"],
        logs=sorted(str(path.relative_to(logs)) for path in logs.rglob("of_primary/**/*.log")),
    )


CLEAR = """
from airflow.models import DagBag, TaskInstance
from airflow.models.taskinstance import clear_task_instances
from airflow.utils.session import create_session
import sys
dag = DagBag(read_dags_from_db=True).get_dag("interrupted")
with create_session() as session:
    tis = session.query(TaskInstance).filter(
        TaskInstance.dag_id == "interrupted", TaskInstance.run_id == sys.argv[1]
    ).all()
    clear_task_instances([ti for ti in tis if ti.state != "success"], session, dag=dag)
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
    rows = airflow.query(
        "SELECT t.task_id, t.map_index, t.state, t.try_number, t.max_tries, t.next_method, t.external_executor_id,"
        " (SELECT count(*) FROM task_reschedule r WHERE r.dag_id = t.dag_id AND r.run_id = t.run_id"
        f" AND r.task_id = t.task_id), t.next_kwargs::text, {tries if airflow.version >= (2, 10) else 0}"
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
