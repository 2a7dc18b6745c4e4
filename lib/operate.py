"""What a person does during and after a failover: `python -m lib.operate rearm | approve NAME [REFUSED]`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from lib.config import Config, ConfigError
from lib.config.recovery import DisasterRecovery
from lib.functions import approval, records, schedule
from lib.functions.calls import PERSON, calling
from lib.functions.errors import FunctionError


def main(arguments: Sequence[str], config: DisasterRecovery) -> str:
    """Do what is asked with the credentials that are there, and say what was done; raises FunctionError."""
    asked = _parser().parse_args(arguments)
    if asked.what == "rearm":
        with calling("rearm", by=PERSON):
            return rearm(config)
    with calling(f"answer {asked.name}", by=PERSON):
        return answer(config, asked.name, asked.answer)


def rearm(config: DisasterRecovery) -> str:
    """Forget the failover, and check the health of the primary again where the configuration wants it."""
    forgotten = records.rearm({"records": _records(config)})["rearmed"]
    said = "the failover is forgotten" if forgotten else "no failover was recorded"
    if not config.health_check.enabled:
        return f"{said}; HEALTH_CHECK_ENABLED=NO: nobody checks the primary"
    place = {"name": config.schedule_name, "group": "default", "region": config.secondary.region}
    changed = schedule.handler({**place, "state": "ENABLED"}, None)["changed"]
    return f"{said}; the health check {'is on again' if changed else 'was on'}"


def answer(config: DisasterRecovery, name: str, said: str) -> str:
    """Answer an execution that waits for a person."""
    asked = {"records": _records(config), "name": name.rpartition(":")[2], "answer": said}
    if not approval.answer(asked)["answered"]:
        raise FunctionError(f"no execution {name!r} waits for an answer; HINT: Its name is in the mail that asked.")
    return f"{name}: {said.lower()}"


def _records(config: DisasterRecovery) -> dict[str, str]:
    return {"table": config.records_table_name, "region": config.secondary.region}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./build.sh", description="Act during and after a failover.")
    commands = parser.add_subparsers(dest="what", required=True)
    commands.add_parser("rearm", help="forget a failover, and check the health of the primary again")
    approve = commands.add_parser("approve", help="answer a recovery that waits for a person")
    approve.add_argument("name", metavar="EXECUTION", help="the name of the execution, or its ARN")
    approve.add_argument("answer", nargs="?", choices=approval.ANSWERS, default=approval.ANSWERS[0])
    return parser


def _configured() -> DisasterRecovery:
    config = Config.load(Path(".env"), os.environ).disaster_recovery
    if config is None:
        raise FunctionError("disaster recovery is not configured; HINT: See .env.example.")
    return config


if __name__ == "__main__":
    logging.disable(logging.INFO)  # the functions tell CloudWatch what they do; a person reads one line
    try:
        sys.stdout.write(f"{main(sys.argv[1:], _configured())}\n")
    except (FunctionError, ConfigError) as error:
        sys.exit(str(error))
