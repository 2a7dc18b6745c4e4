"""Plays one rehearsal from an empty folder to its outcome, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from drill.aws import LocalAws
from drill.faults import NONE, Fault
from drill.outcome import Outcome
from drill.site import WAIT_SCALE, Site, configured, user_file
from drill.story import Story
from drill.strategies import Strategy
from drill.venvs import DrillError, Lock, provision
from drill.verdict import outcome


def play(strategy: Strategy, lock: Lock, *, rows: int, fault: Fault = NONE, keep: bool = False) -> Outcome:
    """What a rehearsal comes to; raises DrillError, PostgresError or LocalAwsError when it cannot be played."""
    if lock.airflow.startswith("3."):
        raise DrillError(f"Airflow {lock.airflow} is not rehearsed yet", "Choose an Airflow 2 with --airflow.")
    venv, env_file = provision(lock), user_file()
    changes = {"DR_TYPE": strategy.dr_type, "MWAA_VERSION": lock.airflow, **fault.settings}
    account = configured(env_file, changes).deployment.account_id
    with folder_for_a_drill(keep=keep) as folder, ExitStack() as stack:
        aws = stack.enter_context(LocalAws.start(folder / "aws", account=account, wait_scale=WAIT_SCALE))
        site = Site.prepared(aws, env_file, changes)
        story = Story(site, venv, folder, stack, rows=rows, fault=fault)
        story.run()
        return outcome(story, strategy, lock.airflow)


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
