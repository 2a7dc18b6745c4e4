"""Plays a stop and a start from an empty folder to the outcome."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from drill.aws import LocalAws
from drill.ground import WAIT_SCALE
from drill.outcome import Outcome
from drill.stop_start.site import StopStartSite, configured, own_file
from drill.stop_start.story import StopStartStory
from drill.stop_start.verdict import outcome


def play(folder: Path, stack: ExitStack, venv: Path, *, airflow: str, rows: int) -> Outcome:
    """What it comes to; raises DrillError, PostgresError or LocalAwsError when it cannot be played."""
    env_file, hidden = own_file(folder)
    place = configured(env_file, hidden).schedules
    started = LocalAws.start(
        folder / "aws", (place.region,), account=place.account_id, wait_scale=WAIT_SCALE, auth=True
    )
    site = StopStartSite.prepared(stack.enter_context(started), env_file, hidden, version=airflow)
    story = StopStartStory(site, venv, folder, stack, rows=rows)
    story.run()
    return outcome(story, airflow)
