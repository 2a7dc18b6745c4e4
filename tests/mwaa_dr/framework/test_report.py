"""The account of what was done, for people and for programs."""

from __future__ import annotations

import json

from mwaa_dr.framework.report import Report, TableLine


def restored(**changes: object) -> Report:
    report = Report("restore", "standby.eu-central-1", "20261121T101112Z", "live.eu-west-1", seconds=12.3)
    report.tables = [
        TableLine("dag_run", rows=1200, size=40_000, inserted=1000, replaced=150, kept=49, dropped=1, seconds=1.5),
        TableLine("log", rows=3, size=10, inserted=3, seconds=0.25),
    ]
    for name, value in changes.items():
        setattr(report, name, value)
    return report


def run(number: int) -> dict[str, object]:
    return {"dag_id": "d", "run_id": f"r{number}", "state": "running", "becomes": "clear it by hand"}


def test_a_restore_shows_each_table_and_the_totals_aligned() -> None:
    assert restored().lines() == [
        "restore 20261121T101112Z of live.eu-west-1 into standby.eu-central-1: 12 s",
        "",
        "table    in backup  inserted  replaced  kept  dropped   bytes  seconds",
        "dag_run      1,200     1,000       150    49        1  40,000     1.50",
        "log              3         3                               10     0.25",
        "total        1,203     1,003       150    49        1  40,010     1.75",
        "",
    ]


def test_a_backup_shows_only_what_has_a_meaning_for_it() -> None:
    report = Report("backup", "live", "B1", tables=[TableLine("job", rows=7, size=90, seconds=0.5)])

    assert report.lines()[2] == "table  rows  bytes  seconds"
    assert report.lines()[0] == "backup B1 of live: 0.0 s"


def test_a_cleanup_shows_what_was_removed() -> None:
    report = Report("cleanup", "", tables=[TableLine("job", removed=7, seconds=0.5)])

    assert report.lines()[2:4] == ["table  removed  seconds", "job          7     0.50"]


def test_interrupted_and_kept_runs_are_named_with_what_becomes_of_them() -> None:
    lines = restored(interrupted=[run(1)], kept_runs=[{"dag_id": "e", "run_id": "x", "state": "queued"}]).lines()

    assert lines[-4:] == [
        "interrupted runs: 1",
        "  d r1 (running): clear it by hand",
        "runs of this database that were kept: 1",
        "  e x (queued)",
    ]


def test_of_many_runs_the_first_fifty_are_named_and_the_others_counted() -> None:
    lines = restored(interrupted=[run(n) for n in range(1200)]).lines()

    assert "interrupted runs: 1,200" in lines
    assert lines[-2:] == ["  d r49 (running): clear it by hand", "  and 1,150 more"]


def test_a_backup_that_is_not_the_latest_says_so() -> None:
    assert any("NOT made the latest" in line for line in Report("backup", "live", promoted=False).lines())
    assert not any("latest" in line for line in Report("backup", "live", promoted=True).lines())


def test_a_dry_run_says_that_nothing_was_changed() -> None:
    lines = restored(dry_run=True).lines()

    assert lines[0].startswith("dry run of restore ")
    assert "nothing was changed; this is what would be done" in lines


def test_how_long_the_database_was_locked_is_said() -> None:
    assert "the database was locked for 3 min 05 s" in restored(locked_seconds=185.2).lines()


def test_a_name_or_note_never_breaks_a_line() -> None:
    nasty = {"dag_id": "a\nb", "run_id": "\x1b[2J", "state": "", "becomes": ""}
    lines = restored(interrupted=[nasty], notes=["one\ntwo"]).lines()

    assert all("\n" not in line and "\x1b" not in line for line in lines)
    assert lines[-1] == "note: one?two"


def test_the_document_for_programs_says_its_format() -> None:
    document = json.loads(restored().to_json())

    assert document["report_format"] == 1
    assert document["tables"][0]["inserted"] == 1000
