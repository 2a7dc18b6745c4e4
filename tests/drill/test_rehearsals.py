"""All rehearsals in one go: what is played, one page, and the code of the end."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from drill import abreast, rehearsals
from drill.ending import SIGNALS
from drill.faults import FAULTS, TOGETHER, named
from drill.outcome import to_json
from drill.report import page
from drill.strategies import STRATEGIES
from drill.venvs import Lock
from tests.support.outcomes import FAILED, OUTCOME

ALONE = [(name, "") for name in STRATEGIES]
PLAYED = [*ALONE, *((fault.strategies[0], name) for name, fault in FAULTS.items())]
PLAYED_TOGETHER = [*ALONE, *((named(name).strategies[0], name) for name in TOGETHER)]
STUB = """
import pathlib, sys
folder, options = pathlib.Path(sys.argv[1]), dict(zip(sys.argv[2::2], sys.argv[3::2]))
name = f"{options['--strategy']} {options.get('--fault', '')}"
(folder / name).touch()
print((folder / "documents" / name).read_text())
"""


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """Whoever plays drills takes the signals; they are given back."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a stub of the drill finds the document of each rehearsal: all pass."""
    documents = tmp_path / "documents"
    documents.mkdir()
    for strategy, fault in {*PLAYED, *PLAYED_TOGETHER}:
        (documents / f"{strategy} {fault}").write_text(to_json([OUTCOME]))
    monkeypatch.setattr(abreast, "DRILL", (sys.executable, "-c", STUB, str(tmp_path)))

    def provision(lock: Lock) -> Path:
        return tmp_path

    monkeypatch.setattr(rehearsals, "provision", provision)
    return tmp_path


def played(folder: Path, *names: str) -> int:
    return rehearsals.main([*names, "--report", str(folder / "page.html")])


def begun(folder: Path) -> set[str]:
    """The strategies and faults that were played."""
    return {path.name for path in folder.iterdir()} - {"documents", "page.html"}


def test_every_strategy_and_every_fault_is_played_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert played(folder) == 0
    assert begun(folder) == {" ".join(one) for one in PLAYED}
    told = capsys.readouterr().out
    assert f"\n{len(PLAYED)} passed, 0 failed\n" in told
    assert [fault for fault in FAULTS if fault not in told] == []


def test_faults_that_can_meet_in_one_disaster_do(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert played(folder, "--together") == 0
    assert begun(folder) == {" ".join(one) for one in PLAYED_TOGETHER}
    told = capsys.readouterr().out
    assert [fault for fault in FAULTS if fault not in told] == []
    with pytest.raises(SystemExit, match="2"):
        played(folder, "--together", "worker-killed")


def test_all_of_them_are_on_one_page(folder: Path) -> None:
    assert played(folder) == 0
    assert (folder / "page.html").read_text() == page([OUTCOME] * len(PLAYED))


@pytest.mark.parametrize("document", [to_json([FAILED]), to_json([replace(OUTCOME, status="")]), ""])
def test_one_that_is_not_as_expected_fails_them_all(folder: Path, document: str) -> None:
    (folder / "documents" / "warm_standby worker-killed").write_text(document)
    assert played(folder) == 1


def test_some_of_them_are_played_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert played(folder, "creation-fails", "warm_standby") == 0
    lines = [line.split()[:2] for line in capsys.readouterr().out.splitlines()[1:3]]
    assert lines == [["backup_restore", "creation-fails"], ["warm_standby", "passed"]]


def test_a_name_that_is_none_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert rehearsals.main(["worker-kiled"]) == 2
    assert "drill: there is no fault worker-kiled" in capsys.readouterr().err
