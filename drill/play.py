"""Plays one rehearsal from an empty folder to its outcome, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from drill import ending
from drill.aws import LocalAws
from drill.faults import FAULTS, NONE, Fault
from drill.outcome import Outcome
from drill.site import WAIT_SCALE, Site, configured, user_file
from drill.story import Story
from drill.strategies import STRATEGIES, Strategy
from drill.venvs import DrillError, Lock, provision
from drill.verdict import outcome

ALL = "all"
"""Every fault, one after the other."""


def chosen(strategy: str, fault: str) -> list[tuple[Strategy, Fault]]:
    """What is played: each strategy, each fault once; raises DrillError where a fault is none of a strategy."""
    if fault == ALL:
        faults = [one for one in FAULTS.values() if not strategy or strategy in one.strategies]
        return [(STRATEGIES[strategy or one.strategies[0]], one) for one in faults]
    one = FAULTS.get(fault, NONE)
    names = [strategy] if strategy else [name for name in STRATEGIES if name in one.strategies]
    if not {*names} <= {*one.strategies}:
        raise DrillError(f"fault {fault} cannot happen in {strategy}", f"Choose {' or '.join(one.strategies)}.")
    return [(STRATEGIES[name], one) for name in names]


def play(strategy: Strategy, lock: Lock, *, rows: int, fault: Fault = NONE, keep: bool = False) -> Outcome:
    """What a rehearsal comes to; raises DrillError, PostgresError or LocalAwsError when it cannot be played."""
    if lock.airflow.startswith("3."):
        raise DrillError(f"Airflow {lock.airflow} is not rehearsed yet", "Choose an Airflow 2 with --airflow.")
    venv, env_file = provision(lock), user_file()
    changes = {"DR_TYPE": strategy.dr_type, "MWAA_VERSION": lock.airflow, **fault.settings}
    account = configured(env_file, changes).deployment.account_id
    with folder_for_a_drill(keep=keep) as folder, ExitStack() as stack:
        try:
            aws = stack.enter_context(LocalAws.start(folder / "aws", account=account, wait_scale=WAIT_SCALE, auth=True))
            site = Site.prepared(aws, env_file, changes)
            story = Story(site, venv, folder, stack, rows=rows, fault=fault)
            story.run()
            return outcome(story, strategy, lock.airflow)
        finally:
            ending.defer()


@contextlib.contextmanager
def folder_for_a_drill(*, keep: bool) -> Iterator[Path]:
    """A temporary folder, which is removed unless it is to be kept."""
    folder = Path(tempfile.mkdtemp(prefix="mwaa-dr-drill-"))
    try:
        yield folder
    finally:
        if keep:
            print(f"kept: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)
