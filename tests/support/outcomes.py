"""Outcomes of rehearsals as they come: one that passed, one that did not, with words as long as real ones."""

from __future__ import annotations

from dataclasses import replace

from drill.compare import Difference
from drill.outcome import Moment, Outcome, Part, Run, Step, TableRows

OUTCOME = Outcome(
    strategy="warm_standby",
    title="Warm standby",
    airflow="2.10.3",
    status="SUCCEEDED",
    formula="RTO >= interval + restore",
    rto_seconds=60.0,
    rpo_seconds=30.0,
    interval_seconds=60.0,
    moments=[
        Moment(-30.0, "backup b1 is taken"),
        Moment(0.0, "the primary Region is lost"),
        Moment(20.0, "the failure is detected"),
        Moment(55.0, "the workflow ends: SUCCEEDED"),
    ],
    parts=[Part("interval of the health check", 20.0), Part("metadata restore", 10.5)],
    backup_id="b1",
    compared=12,
    tables=[TableRows("dag_run", 12, 10, 1, 1, None)],
    not_carried={"session": "who was logged in"},
    lost=[Run("sales<b>", "r1", "running at the disaster")],
    steps=[Step("Take the lease", 20.0), Step("Give the lease back", None)],
    messages=["Recovery of prod starts"],
    simulated=["AWS itself"],
)

FAILED = replace(
    OUTCOME,
    strategy="backup_restore",
    title="Backup and restore",
    fault="the worker is killed during the restore",
    expected="nothing is changed, people are told, and a redrive restores again",
    tables=[TableRows(f"table_of_a_name_that_is_rather_long_{number}", 10**7, 1, 0, 0, 10**6) for number in range(20)],
    not_carried={f"left_out_{number}": "what the target has of its own, and keeps as it is" for number in range(5)},
    lost=[
        Run("sales", f"scheduled__2026-11-29T19:35:00+00:00_{number}", "running at the disaster") for number in range(9)
    ],
    interrupted=[Run("x" * 250, "manual__2026-11-29T19:35:00+00:00", "running, becomes failed")],
    steps=[Step(f"Look whether the state machine has come to state {number}", float(number)) for number in range(40)],
    messages=["Recovery of a-rather-long-environment-name starts"],
    differences=[Difference("xcom", "missing", "{key: '" + "0123456789abcdef" * 30 + "'}")],
)
