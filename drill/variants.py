"""What an engine's drill may have instead of two fresh databases: one that was upgraded, and tables of FAB."""

from __future__ import annotations

from dataclasses import dataclass

from drill import seed
from drill.airflow import Airflow
from drill.venvs import DrillError, Lock, chosen_lock

OLDER = "2.11.2"
"""The Airflow that an upgrade comes from: the last one before Airflow 3."""
FAB = "-fab"
"""The end of a lock's name with that auth manager."""
OF_FAB = {
    "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
    # Meant for the simple auth manager alone: 3.0 has every request be that of its user, whom FAB does not know.
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
}
"""What an Airflow with that auth manager is told."""
UPGRADED = {"from-upgraded": "primary", "to-upgraded": "second"}
"""Word -> the environment whose database has been one of Airflow 2."""
VARIANTS = (
    "3.0.6+from-upgraded",
    "3.0.6-fab",
    "3.1.8+from-upgraded",
    "3.2.1+to-upgraded",
    "3.3.1-fab+from-upgraded",
)
"""What the matrix has beside each version with fresh databases."""

BEFORE = ("drill_mapped", "drill_failing", "drill_xcoms", "drill_rescheduled", "drill_producer", "drill_resting")
"""What has run in Airflow 2, beside the past runs of `drill_yearly` that its scheduler makes."""
PAST_YEARS = 3
BEFORE_SECONDS = 240.0


@dataclass(frozen=True)
class Variant:
    """An Airflow version, and what is different from two fresh databases."""

    name: str

    @property
    def lock(self) -> Lock:
        """The lock of its Airflow; raises DrillError with what is known."""
        airflow, plus, word = self.name.partition("+")
        if plus and (word not in UPGRADED or not airflow.startswith("3.")):
            raise DrillError(f"there is no variant {self.name}", f"Give an Airflow 3 one of +{', +'.join(UPGRADED)}.")
        return chosen_lock(airflow)

    @property
    def is_special(self) -> bool:
        """Whether anything is different from two fresh databases."""
        return self.has_fab or "+" in self.name

    @property
    def settings(self) -> dict[str, str]:
        """What Airflow is told beside what every drill tells it."""
        return OF_FAB if self.has_fab else {}

    @property
    def schemas(self) -> tuple[str, ...]:
        """The commands of Airflow that migrate."""
        return ("db", "fab-db") if self.has_fab else ("db",)

    @property
    def has_fab(self) -> bool:
        """Whether both environments have the auth manager of MWAA's images, with its tables."""
        return self.name.partition("+")[0].endswith(FAB)

    def is_upgraded(self, environment: str) -> bool:
        """Whether an environment has been one of Airflow 2."""
        return UPGRADED.get(self.name.partition("+")[2]) == environment


def live_in_airflow_2(older: Airflow) -> None:
    """Let an Airflow 2 run what leaves a row of everything that an upgrade converts, and end it."""
    older.finish(older.migrate(), "migrate")
    if older.name == "primary":
        seed.before_the_runs(older)
    older.start("scheduler")
    older.act(
        unpause=[*BEFORE, "drill_yearly", "drill_half_fed"],
        trigger=[{"dag_id": dag_id, "run_id": f"before~{dag_id}+1"} for dag_id in BEFORE],
    )
    older.wait("the runs before the upgrade", lambda: _unfinished(older), BEFORE_SECONDS)
    if older.name == "primary":
        seed.after_the_runs(older)
    older.stop()


def _unfinished(older: Airflow) -> str:
    states = [state for _, state in older.query("SELECT dag_id, state FROM dag_run")]
    ended = sum(state in ("success", "failed") for state in states)
    return "" if ended == len(states) == len(BEFORE) + PAST_YEARS else f"{ended} of {len(states)} runs have ended"
