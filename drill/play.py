"""Plays one rehearsal from an empty folder to its outcome, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from pathlib import Path

from drill import ending
from drill.aws import LocalAws
from drill.faults import FAULTS, NONE, Fault, named
from drill.ground import WAIT_SCALE, user_file
from drill.one_product import BOTH, copy, hidden
from drill.outcome import Outcome
from drill.site import Site, configured
from drill.stop_start.play import play as stop_and_start
from drill.story import Story
from drill.strategies import STRATEGIES, Strategy
from drill.venvs import DrillError, Lock, provision
from drill.verdict import outcome
from lib.config.catalog import Product

ALL = "all"
"""Every fault, one after the other."""


def chosen(strategy: str, fault: str, products: Collection[Product] = BOTH) -> list[tuple[Strategy, Fault]]:
    """What is played: each strategy, each fault once; raises DrillError where a fault is none of a strategy.

    Without a choice only strategies of these products are.
    """
    plays = _wanted(strategy, fault)
    found = plays if strategy else [play for play in plays if play[0].product in products]
    if not found:
        raise DrillError(f"fault {fault} is none of {strategy or 'what is configured'}", "Leave --fault out.")
    return found


def _wanted(strategy: str, fault: str) -> list[tuple[Strategy, Fault]]:
    if fault == ALL:
        faults = [one for one in FAULTS.values() if not strategy or strategy in one.strategies]
        return [(STRATEGIES[strategy or one.strategies[0]], one) for one in faults]
    one = named(fault) if fault else NONE
    has_it = one.strategies if fault else (*STRATEGIES,)
    names = [strategy] if strategy else [name for name in STRATEGIES if name in has_it]
    if not {*names} <= {*has_it}:
        raise DrillError(f"fault {fault} cannot happen in {strategy}", f"Choose {' or '.join(one.strategies)}.")
    return [(STRATEGIES[name], one) for name in names]


def play(strategy: Strategy, lock: Lock, *, rows: int, fault: Fault = NONE, keep: bool = False) -> Outcome:
    """What a rehearsal comes to; raises DrillError, PostgresError or LocalAwsError when it cannot be played."""
    venv = provision(lock)
    with folder_for_a_drill(keep=keep) as folder, ExitStack() as stack:
        try:
            if strategy.product is Product.START_STOP:
                return stop_and_start(folder, stack, venv, airflow=lock.airflow, rows=rows)
            env_file = copy(user_file(), Product.RECOVERY, folder)
            set_by_us = {"DR_TYPE": strategy.dr_type, "MWAA_VERSION": lock.airflow, **fault.settings}
            changes = {**hidden(Product.RECOVERY), **set_by_us}
            found = configured(env_file, changes)
            regions, account = (found.primary.region, found.secondary.region), found.deployment.account_id
            started = LocalAws.start(folder / "aws", regions, account=account, wait_scale=WAIT_SCALE, auth=True)
            site = Site.prepared(stack.enter_context(started), env_file, changes)
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
