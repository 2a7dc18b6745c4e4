"""Drills several at a time: what came of each, one table, and nothing left of them when all is ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest

from drill import abreast
from drill.abreast import Result, Table
from drill.ending import SIGNALS
from drill.venvs import PROJECT
from tests.support.local_aws import eventually

TABLE = Table({"what": 8})
FOUND = {"passed": True, "compared": 7, "differences": []}
DIFFERENCE = {"table": "xcom", "kind": "missing", "words": "{}"}


def saying(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let a drill be this program."""
    monkeypatch.setattr(abreast, "DRILL", (sys.executable, "-c", textwrap.dedent(code)))


def answering(monkeypatch: pytest.MonkeyPatch, document: dict[str, Any], code: int = 0) -> Result:
    saying(monkeypatch, f"import sys\nprint({json.dumps(document)!r})\nsys.exit({code})")
    return abreast.run(("one",))


@pytest.fixture
def signals() -> Any:
    """Whoever plays drills takes the signals; they are given back."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_drill_of_the_engine_and_a_rehearsal_are_read_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    for document in (FOUND, {"passed": True, "rehearsals": [FOUND]}):
        result = answering(monkeypatch, document)
        assert (result.passed, result.compared, result.differences, result.words) == (True, 7, 0, "")
        assert result.document == FOUND


def test_differences_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    result = answering(monkeypatch, {**FOUND, "passed": False, "differences": [DIFFERENCE]}, 1)
    assert (result.passed, result.differences, result.words) == (False, 1, "xcom: missing: {}")


def test_who_says_that_it_passed_and_ends_as_failed_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not answering(monkeypatch, FOUND, 1).passed


def test_a_drill_that_cannot_be_played_has_failed_with_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    saying(monkeypatch, "import sys\nsys.exit('drill: there is no Python 3.11 here')")
    result = abreast.run(("one",))
    assert (result.passed, result.document) == (False, {})
    assert result.words == "drill: there is no Python 3.11 here\n"


def test_one_that_never_ends_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    saying(monkeypatch, "import time\ntime.sleep(3600)")
    monkeypatch.setattr(abreast, "LIMIT_SECONDS", 0.2)
    result = abreast.run(("one",))
    assert not result.passed
    assert "timed out after 0.2 seconds" in result.words


@pytest.mark.usefixtures("signals")
def test_several_are_played_at_a_time_and_told_in_the_order_of_the_choices(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(abreast, "AT_ONCE", 2)
    both, lock, at_work = threading.Barrier(2), threading.Lock(), []

    def drill(choice: str) -> Result:
        at_work.append(choice)
        both.wait(20)
        with lock:
            assert len(at_work) <= abreast.AT_ONCE
        both.wait(20)
        at_work.remove(choice)
        return Result((choice,), passed=choice != "c", compared=1, words="" if choice != "c" else "it differs")

    results = abreast.play("abcd", drill, TABLE)
    assert [result.passed for result in results] == [True, True, False, True]
    told = capsys.readouterr()
    head, *lines, _seconds, end = told.out.splitlines()
    assert head.split() == ["what", "rows", "differences", "seconds"]
    assert [line.split()[:2] for line in lines] == [["a", "passed"], ["b", "passed"], ["c", "FAILED"], ["d", "passed"]]
    assert end == "3 passed, 1 failed"
    assert "it differs" in told.err


@pytest.mark.parametrize("number", SIGNALS)
def test_who_ends_them_all_waits_until_they_have_ended(number: signal.Signals, tmp_path: Path) -> None:
    stub = f"""
        import os, pathlib, signal, sys, time
        mark = pathlib.Path({str(tmp_path)!r}) / str(os.getpid())
        def end(*_):
            time.sleep(0.3)
            mark.rename(mark.with_suffix(".ended"))
            sys.exit(143)
        signal.signal(signal.SIGTERM, end)
        mark.touch()
        time.sleep(3600)
    """
    code = f"""
        import sys
        from drill import abreast
        abreast.AT_ONCE = 2
        abreast.DRILL = (sys.executable, "-c", {textwrap.dedent(stub)!r})
        abreast.play("abc", lambda choice: abreast.run((choice,)), abreast.Table({{"what": 8}}))
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            eventually(lambda: len([*tmp_path.iterdir()]) == 2, 60)
        finally:
            process.send_signal(number)
        assert process.wait(60) == 128 + number
    assert [path.suffix for path in tmp_path.iterdir()] == [".ended", ".ended"]
    for path in tmp_path.iterdir():
        with pytest.raises(ProcessLookupError):
            os.kill(int(path.stem), 0)
