"""What a person sees while a command works."""

from __future__ import annotations

import contextlib
import io
import logging
import re
import threading

import pytest

from mwaa_dr.cli.terminal import TerminalLog, TerminalProgress


class Terminal(io.StringIO):
    """Keeps a screen as a terminal would, for the few escapes that are used."""

    def isatty(self) -> bool:
        return True

    @property
    def screen(self) -> list[str]:
        lines, row = [""], 0
        for up, clear, newline, chars in re.findall(r"\x1b\[(\d+)A|(\x1b\[J)|(\n)|([^\x1b\n]+)", self.getvalue()):
            if up:
                row -= int(up)
            elif clear:
                lines[row:] = [""]
            elif newline:
                row += 1
                lines += [""] * (row + 1 - len(lines))
            else:
                lines[row] = chars.lstrip("\r") if chars.startswith("\r") else lines[row] + chars
        return lines


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_without_a_terminal_each_table_is_one_line() -> None:
    stream = io.StringIO()
    with TerminalProgress(stream) as display:
        display.phase("verify files")
        display.start("dag_run", 100)
        display.advance("dag_run", 60)
        display.advance("dag_run", 40)
        display.finish("dag_run", 1200, 0.25)

    first, second = stream.getvalue().splitlines()
    assert first == "verify files ..."
    assert second.split() == ["dag_run", "100", "B", "1,200", "rows", "0.2", "s"]
    assert "\x1b" not in stream.getvalue()


def test_on_a_terminal_the_tables_at_work_are_refreshed_in_place() -> None:
    terminal, clock = Terminal(), Clock()
    display = TerminalProgress(terminal, clock)
    display.start("log", 4000)
    clock.now = 1
    display.start("xcom")
    clock.now = 2
    display.advance("log", 1000)
    clock.now = 3
    display.advance("xcom", 5000)

    log, xcom, _ = terminal.screen
    assert log.split() == ["log", "1.0", "kB", "25%", "333", "B/s", "9.0", "s", "left"]
    assert xcom.split() == ["xcom", "5.0", "kB", "2.5", "kB/s"]

    display.finish("log", 7, 3)
    assert [line.split()[:1] for line in terminal.screen] == [["log"], ["xcom"], []]
    assert "7 rows" in terminal.screen[0]


def test_the_terminal_is_not_flooded() -> None:
    terminal, clock = Terminal(), Clock()
    display = TerminalProgress(terminal, clock)
    display.start("log")
    before = len(terminal.getvalue())
    for _ in range(1000):
        display.advance("log", 1)

    assert len(terminal.getvalue()) == before


def test_nothing_half_drawn_is_left_when_the_work_fails() -> None:
    terminal = Terminal()
    with contextlib.suppress(KeyError), TerminalProgress(terminal) as display:
        display.start("log")
        raise KeyError

    assert terminal.screen == [""]


def test_a_line_is_never_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    terminal = Terminal()
    TerminalProgress(terminal).start("a_table_with_a_name_that_is_long")

    assert max(map(len, terminal.screen)) == 19


def test_several_threads_may_report_at_once() -> None:
    stream = io.StringIO()
    display = TerminalProgress(stream)

    def work(table: str) -> None:
        display.start(table, 500)
        for _ in range(500):
            display.advance(table, 1)
        display.finish(table, 1, 0)

    threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(line.split()[0:3] for line in stream.getvalue().splitlines()) == [
        [f"t{n}", "500", "B"] for n in range(8)
    ]


def test_warnings_of_the_engine_are_lines_of_their_own() -> None:
    terminal = Terminal()
    display = TerminalProgress(terminal)
    logger = logging.Logger("test")
    logger.addHandler(TerminalLog(display))
    display.start("log")
    logger.warning("the snapshot is not shared", extra={"reason": "no\nway"})
    logger.info("not shown")

    assert terminal.screen[0] == "warning: the snapshot is not shared (reason: no?way)"
    assert terminal.screen[1].startswith("log ")
