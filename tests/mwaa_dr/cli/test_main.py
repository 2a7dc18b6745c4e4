"""The whole command line on real databases: what it prints, where, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mwaa_dr.cli import commands
from mwaa_dr.cli.main import main
from mwaa_dr.framework.errors import DatabaseError
from tests.mwaa_dr.framework.test_legacy import GOLDEN
from tests.support.metadata import FERNET, OTHER_FERNET, Metadata


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DR_DATABASE_URL", "AIRFLOW__CORE__FERNET_KEY"):
        monkeypatch.delenv(name, raising=False)


class Shell:
    """Runs commands as a shell would, and keeps what they said."""

    def __init__(self, capsys: pytest.CaptureFixture[str], place: Path) -> None:
        self._capsys = capsys
        self.place = place
        self.code = 0
        self.out = ""
        self.err = ""

    def run(self, *arguments: str) -> int:
        storage = [] if arguments[0] == "cleanup" else ["--storage", str(self.place)]
        try:
            self.code = main([*arguments, *storage])
        except SystemExit as end:
            self.code = int(str(end.code))
        self.out, self.err = self._capsys.readouterr()
        return self.code

    def json(self, *arguments: str) -> Any:
        self.run(*arguments, "--json")
        return json.loads(self.out)


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Shell:
    return Shell(capsys, tmp_path)


@pytest.fixture
def filled(primary: Metadata) -> Metadata:
    primary.dag("sales")
    primary.run_with_task("sales", "r1")
    primary.run_with_task("sales", "r2", state="running")
    primary.insert("variable", key="greeting", val="hello", is_encrypted=False)
    return primary


def test_a_backup_is_listed_verified_and_restored(shell: Shell, filled: Metadata, secondary: Metadata) -> None:
    assert shell.run("backup", "--database", filled.url, "--environment", "prod.eu-west-1") == 0
    assert shell.out.startswith("backup ")
    assert shell.run("list") == 0
    assert "prod.eu-west-1" in shell.out
    assert "latest" in shell.out
    assert shell.run("verify", "--level", "data") == 0
    assert shell.run("verify", "--level", "rehearse", "--database", secondary.url) == 0
    assert shell.run("restore", "--database", secondary.url, "--environment", "dr.eu-central-1") == 0
    assert "sales r2 (running): left out" in shell.out
    assert secondary.rows("SELECT run_id FROM dag_run") == [("r1",)]


def test_json_is_one_document_on_standard_output_and_progress_is_elsewhere(shell: Shell, filled: Metadata) -> None:
    document = shell.json("backup", "--database", filled.url)

    assert document["operation"] == "backup"
    assert {line["table"]: line["rows"] for line in document["tables"]}["dag_run"] == 2
    assert "dag_run" in shell.err
    assert shell.json("list")["backups"][0]["backup_id"] == document["backup_id"]
    assert shell.json("verify", "--quiet")["passed"] is True
    assert shell.err == ""


def test_a_failure_is_one_line_and_a_hint_in_both_modes(shell: Shell) -> None:
    assert shell.run("verify") == 1
    plain = shell.err.splitlines()
    assert plain[-2].startswith("ERROR: there is no backup in ")
    assert plain[-1].startswith("HINT: ")
    assert shell.out == ""

    document = shell.json("verify")
    assert (shell.code, document["operation"]) == (1, "verify")
    assert f"ERROR: {document['error']['message']}" == plain[-2]
    assert f"HINT: {document['error']['hint']}" == plain[-1]
    assert shell.err.splitlines() == plain


def test_a_setting_that_is_not_allowed_is_wrong_usage(shell: Shell, filled: Metadata, secondary: Metadata) -> None:
    shell.run("backup", "--database", filled.url, "--environment", "one")
    shell.run("backup", "--database", filled.url, "--environment", "two")

    assert shell.run("restore", "--database", secondary.url) == 2
    assert "Name one of: one, two." in shell.err
    assert shell.run("restore", "--database", secondary.url, "--source", "two") == 0


def test_a_dry_run_says_what_it_would_do_and_changes_nothing(
    shell: Shell, filled: Metadata, secondary: Metadata
) -> None:
    shell.run("backup", "--database", filled.url)
    assert shell.run("restore", "--database", secondary.url, "--dry-run") == 0

    assert "nothing was changed" in shell.out
    assert secondary.one("SELECT count(*) FROM dag_run") == 0


def test_only_the_chosen_tables_are_carried(shell: Shell, filled: Metadata, secondary: Metadata) -> None:
    shell.run("backup", "--database", filled.url)
    assert shell.run("restore", "--database", secondary.url, "--tables", "variable") == 0

    assert secondary.one("SELECT val FROM variable WHERE key = 'greeting'") == "hello"
    assert secondary.one("SELECT count(*) FROM dag_run") == 0
    assert shell.run("restore", "--database", secondary.url, "--tables", "variable,varible") == 1
    assert "unknown table 'varible'" in shell.err


def test_cleanup_refuses_while_runs_are_running_and_tells_which(shell: Shell, filled: Metadata) -> None:
    assert shell.run("cleanup", "--database", filled.url) == 1
    assert "sales r2 (running)" in shell.err
    assert filled.one("SELECT count(*) FROM dag_run") == 2
    assert shell.run("cleanup", "--database", filled.url, "--force", "--dry-run") == 0
    assert filled.one("SELECT count(*) FROM dag_run") == 2
    assert shell.run("cleanup", "--database", filled.url, "--force") == 0
    assert filled.one("SELECT count(*) FROM dag_run") == 0


def test_a_damaged_backup_fails_with_every_check_listed(shell: Shell, filled: Metadata) -> None:
    shell.run("backup", "--database", filled.url)
    file = next(shell.place.rglob("dag_run.csv.gz"))
    file.write_bytes(file.read_bytes()[:-1])

    assert shell.run("verify") == 1
    assert "FAILED  file dag_run.csv.gz" in shell.out
    assert "is not whole: 1 check failed" in shell.err


def test_a_backup_that_shrank_is_kept_and_fails(shell: Shell, filled: Metadata) -> None:
    shell.run("backup", "--database", filled.url)
    filled.run_sql("DELETE FROM dag_run")

    assert shell.run("backup", "--database", filled.url) == 1
    assert "did not become the latest" in shell.err
    assert shell.json("list")["backups"][0]["latest"] is False


def test_a_damaged_manifest_is_listed_as_such(shell: Shell, filled: Metadata) -> None:
    shell.run("backup", "--database", filled.url)
    next(shell.place.rglob("manifest.json")).write_bytes(b"{")

    assert shell.run("list") == 0
    assert "the manifest cannot be read" in shell.out


@pytest.mark.parametrize("way", ["file", "argument", "environment"])
def test_the_fernet_key_is_taken_from_a_file_an_argument_or_the_environment(
    way: str, shell: Shell, primary: Metadata, secondary: Metadata, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cryptography.fernet import Fernet

    secret = Fernet(FERNET).encrypt(b"hidden").decode()
    primary.insert("variable", key="s", val=secret, is_encrypted=True)

    def given(key: str) -> list[str]:
        file = shell.place / "key"
        file.write_text(f"{key}\n")
        monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", key if way == "environment" else OTHER_FERNET[::-1])
        return {"file": ["--fernet-key-file", str(file)], "argument": ["--fernet-key", key], "environment": []}[way]

    assert shell.run("backup", "--database", primary.url, *given(FERNET)) == 0, shell.err
    assert shell.run("restore", "--database", secondary.url, *given(OTHER_FERNET)) == 0, shell.err
    assert Fernet(OTHER_FERNET).decrypt(secondary.one("SELECT val FROM variable").encode()) == b"hidden"


def test_a_wrong_fernet_key_names_the_variable_and_shows_no_value(shell: Shell, primary: Metadata) -> None:
    primary.insert("variable", key="s", val="gAAAA-not-ours", is_encrypted=True)

    assert shell.run("backup", "--database", primary.url, "--fernet-key", FERNET) == 1
    assert "variable 's' cannot be decrypted" in shell.err
    assert "gAAAA" not in shell.err + shell.out
    assert not list(shell.place.rglob("*.gz"))


def test_an_old_folder_is_restored_and_what_it_lost_is_said(shell: Shell, secondary: Metadata) -> None:
    shell.place = GOLDEN.parent
    before = sorted(GOLDEN.parent.rglob("*"))
    assert shell.run("restore", "--database", secondary.url, "--from-legacy", "--prefix", GOLDEN.name) == 0

    assert "note: left out: 2 rows of 'xcom': their task instance is not there" in shell.out
    assert "legacy-secret-value" not in shell.out + shell.err
    assert secondary.one("SELECT count(*) FROM dag_run WHERE run_id = 'done'") == 1
    assert sorted(GOLDEN.parent.rglob("*")) == before


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:geheim%zz@127.0.0.1:1/d",
        "postgresql://u:p@geheim:word@127.0.0.1:1/d",
        "postgresql://u:ge/geheim@127.0.0.1:1/d",
        "postgresql+psycopg2://u:geheim@127.0.0.1:1/d",
        "geheim",
    ],
)
def test_a_password_is_never_shown(url: str, shell: Shell) -> None:
    assert shell.run("backup", "--debug", "--database", url) in (1, 2)
    assert "geheim" not in shell.err + shell.out
    assert "ERROR: " in shell.err


def test_the_airflow_version_is_that_of_the_schema_or_the_one_that_is_named(shell: Shell, filled: Metadata) -> None:
    shell.run("backup", "--database", filled.url)
    assert shell.json("list")["backups"][0]["airflow_version"] == "2.10.3"
    shell.run("backup", "--database", filled.url, "--airflow-version", "2.11.2", "--environment", "other")
    assert shell.json("list", "--source", "other")["backups"][0]["airflow_version"] == "2.11.2"
    assert shell.run("backup", "--database", filled.url, "--airflow-version", "9.9.9") == 1
    assert "9.9.9 is not served" in shell.err


def test_a_fault_of_ours_shows_its_place_and_no_value(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise KeyError("a secret value")

    monkeypatch.setitem(commands.COMMANDS, "list", broken)

    assert shell.run("list", "--debug") == 1
    assert "unexpected KeyError in test_main.py:" in shell.err
    assert "in broken" in shell.err
    assert shell.err.count("a secret value") == shell.err.count('raise KeyError("a secret value")') == 1


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE variable ALTER COLUMN val TYPE varchar(3)",
        "ALTER TABLE variable ADD CONSTRAINT fits CHECK (length(val) < 4)",
    ],
    ids=["while it is staged", "while it is merged"],
)
def test_no_variable_is_shown_when_the_database_refuses_it(
    shell: Shell, filled: Metadata, secondary: Metadata, change: str
) -> None:
    shell.run("backup", "--database", filled.url)
    secondary.run_sql(change)

    assert shell.run("restore", "--debug", "--database", secondary.url) == 1
    assert "in fill_stage" in shell.err or "in merge" in shell.err
    assert "hello" not in shell.err + shell.out
    assert secondary.one("SELECT count(*) FROM dag") == 0


def test_a_database_without_airflow_is_refused(shell: Shell, database: Any) -> None:
    assert shell.run("backup", "--database", database()) == 1
    assert "holds no Airflow metadata" in shell.err


def test_words_of_the_driver_are_masked_however_the_url_is_misread() -> None:
    message = 'invalid port number: "word@host"'

    assert commands.without_password(message, "postgresql://u:pass:word@host/db") == 'invalid port number: "***@host"'
    assert str(DatabaseError("x")) == "x"
