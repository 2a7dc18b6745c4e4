"""Stop and start for people: `python -m lib.stop_start preview | report | keep-running | stay-stopped | end-override |
stop | start`; `./build.sh` has the same.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import NoReturn

from lib.config import Config, ConfigError
from lib.config.start_stop import COMMON_MINS, StartStop
from lib.functions import clock, overrides
from lib.functions.errors import FunctionError
from lib.stop_start import preview
from lib.stop_start.by_hand import Hand, WrongInputError, find
from lib.stop_start.saving import Report
from lib.stop_start.window import Window

LONGEST_DAYS = 3660

HELD = {"keep-running": overrides.RUNNING, "stay-stopped": overrides.STOPPED}


class _Parser(argparse.ArgumentParser):
    """What is wrong is one line."""

    def error(self, message: str) -> NoReturn:
        raise WrongInputError(message)


def main(arguments: Sequence[str], plan: StartStop) -> str:
    """Do what is asked and say what was done; raises FunctionError."""
    asked = _parser().parse_args(arguments)
    if asked.what == "preview":
        return _preview(plan, asked)
    if asked.what == "report":
        return _report(plan, asked)
    hand = find(plan, asked.name)
    if asked.what in HELD:
        return hand.hold(HELD[asked.what], asked.until)
    if asked.what == "end-override":
        return hand.end_override()
    given = {name: getattr(asked, name) for name in ("when_busy", "backup_id") if getattr(asked, name, None)}
    return hand.begin(asked.what, given)


def _preview(plan: StartStop, asked: argparse.Namespace) -> str:
    texts, facts = [], []
    for environment in plan.environments:
        begins = clock.now()
        window = Window(environment, begins, begins + timedelta(days=asked.days))
        if asked.first:
            window = Window.of_days(environment, asked.first, asked.days)
        override = Hand(plan, environment).override() if asked.with_overrides else None
        rows = preview.rows(window, override)
        texts.append(preview.text(window, rows))
        facts.append({**window.facts, "transitions": [row.facts for row in rows]})
    return _shown(asked, texts, facts)


def _report(plan: StartStop, asked: argparse.Namespace) -> str:
    texts, facts = [], []
    for environment in plan.environments:
        window = Window.of_days(environment, asked.first or Window.today(environment), asked.days)
        rate = environment.cost_per_hour if asked.rate is None else asked.rate
        report = Report(window, asked.transition_mins, rate)
        texts.append(report.text())
        facts.append({**window.facts, **report.facts()})
    return _shown(asked, texts, facts)


def _shown(asked: argparse.Namespace, texts: list[str], facts: list[dict[str, object]]) -> str:
    return json.dumps({"environments": facts}, indent=2) if asked.json else "\n\n".join(texts)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="./build.sh", description="Stop and start environments.")
    commands = parser.add_subparsers(dest="what", required=True, parser_class=_Parser)
    shown = commands.add_parser("preview", prog="./build.sh stop-start-preview")
    _add_days(shown, 14)
    shown.add_argument("--with-overrides", action="store_true", help="read the overrides, for which AWS is asked")
    report = commands.add_parser("report", prog="./build.sh stop-start-report")
    _add_days(report, 364)
    report.add_argument("--rate", type=_rate, help="what an hour costs (default: MWAA_COST_PER_HOUR)")
    help_ = "what a stop and a start take, each; billed (default: %(default)s)"
    report.add_argument("--transition-mins", type=_minutes, default=COMMON_MINS, metavar="N", help=help_)
    for name in (*HELD, "end-override", "stop", "start"):
        command = commands.add_parser(name, prog=f"./build.sh {name}")
        command.add_argument("name", metavar="ENV", help="the name of the environment, or of its section")
        if name in HELD:
            command.add_argument("until", metavar="UNTIL", help="22:00, 2026-12-01T22:00, 2h or 3d, in its time zone")
    commands.choices["stop"].add_argument("--when-busy", metavar="WAIT|SKIP|FORCE", help="in place of STOP_WHEN_BUSY")
    commands.choices["start"].add_argument("--backup-id", metavar="ID", help="in place of the backup of the stop")
    return parser


def _add_days(command: argparse.ArgumentParser, days: int) -> None:
    command.add_argument("--from", type=_day, dest="first", metavar="DATE", help="the first day (default: now)")
    help_ = "how many days (default: %(default)s)"
    command.add_argument("--days", type=_days, default=days, metavar="N", help=help_)
    command.add_argument("--json", action="store_true", help="one JSON document")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no day; HINT: Write it as 2026-12-01.") from None


def _days(text: str) -> int:
    return _whole(text, 1, LONGEST_DAYS)


def _minutes(text: str) -> int:
    return _whole(text, 0, 24 * 60)


def _whole(text: str, low: int, high: int) -> int:
    if not (text.isdecimal() and low <= int(text) <= high):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no whole number from {low} to {high}")
    return int(text)


def _rate(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1
    if not 0 <= found <= 1000:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no number from 0 to 1000")
    return found


def _configured() -> StartStop:
    plan = Config.load(Path(".env"), os.environ).start_stop
    if plan is None:
        raise FunctionError("stop and start is not configured; HINT: See .env.example.")
    return plan


if __name__ == "__main__":
    logging.disable(logging.INFO)  # the functions tell CloudWatch what they do; a person reads one line
    try:
        sys.stdout.write(f"{main(sys.argv[1:], _configured())}\n")
    except WrongInputError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    except (FunctionError, ConfigError) as error:
        sys.exit(str(error))
