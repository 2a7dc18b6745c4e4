"""One run of the command line: read it, do it, say it, and end with the right code."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TextIO

from mwaa_dr.cli.arguments import parse
from mwaa_dr.cli.commands import Outcome, Session
from mwaa_dr.cli.interrupt import Interrupted, interruptible
from mwaa_dr.cli.terminal import TerminalLog, TerminalProgress
from mwaa_dr.framework.errors import DrError, SettingError
from mwaa_dr.framework.progress import Progress

DONE, FAILED, WRONG_USAGE = 0, 1, 2


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code; wrong arguments end the process with code 2."""
    asked = parse(arguments, os.environ)
    session = Session(asked, os.environ, Progress())
    try:
        with interruptible(lambda: session.db.cancel() if session.db else None), _display(asked) as progress:
            session.progress = progress or session.progress
            outcome = session.run()
    except Interrupted as stop:
        return _failed(asked, DrError("interrupted; nothing is left half done"), 128 + stop.signal)
    except DrError as err:
        return _failed(asked, err, WRONG_USAGE if isinstance(err, SettingError) else FAILED)
    except Exception as err:  # noqa: BLE001 - the last resort: its text could hold a value, so only its kind is shown
        return _failed(asked, _unexpected(err), FAILED)
    return _done(asked, outcome)


@contextmanager
def _display(asked: argparse.Namespace) -> Iterator[Progress | None]:
    """Show progress and warnings on standard error."""
    logger = logging.getLogger("mwaa_dr")
    with ExitStack() as stack:
        display = stack.enter_context(TerminalProgress(sys.stderr))
        handler, propagate = TerminalLog(display), logger.propagate
        logger.addHandler(handler)
        logger.propagate = False
        stack.callback(setattr, logger, "propagate", propagate)
        stack.callback(logger.removeHandler, handler)
        yield None if asked.quiet else display


def _done(asked: argparse.Namespace, outcome: Outcome) -> int:
    shown = outcome.document.decode() if asked.json else "\n".join(outcome.lines)
    _write(sys.stdout, shown)
    if outcome.problem:
        _write(sys.stderr, f"ERROR: {outcome.problem}")
    return FAILED if outcome.problem else DONE


def _failed(asked: argparse.Namespace, err: DrError, code: int) -> int:
    if asked.debug:
        _write(sys.stderr, "".join(_trace(sys.exc_info()[1])))
    if asked.json:
        told = {"kind": type(err).__name__, "message": err.message, "hint": err.hint}
        _write(sys.stdout, json.dumps({"report_format": 1, "operation": asked.command, "error": told}, indent=1))
    _write(sys.stderr, f"ERROR: {err}")
    return code


def _trace(err: BaseException | None) -> list[str]:
    """Where an error came from, the first one first; only our own tell their text: another could hold a value."""
    if err is None:
        return []
    behind = err.__cause__ or (None if err.__suppress_context__ else err.__context__)
    told = f"{type(err).__name__}: {err.message}\n" if isinstance(err, DrError) else f"{type(err).__name__}\n"
    return [*_trace(behind), *traceback.format_tb(err.__traceback__), told]


def _unexpected(err: Exception) -> DrError:
    frames = traceback.extract_tb(err.__traceback__)
    where = f" in {os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
    hint = "This is a fault of mwaa_dr: please report it, with what --debug shows."
    return DrError(f"unexpected {type(err).__name__}{where}", hint)


def _write(stream: TextIO, shown: str) -> None:
    try:
        stream.write(shown.rstrip("\n") + "\n")
        stream.flush()
    except BrokenPipeError:
        # Whoever read has had enough, as `head` does; what was to be done is done.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
