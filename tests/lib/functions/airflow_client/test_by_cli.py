"""Airflow 2 by what its commands print, as 2.4 to 2.11 print it; tests/airflow shows the same with real ones."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable

import pytest

from lib.functions.airflow_client import Changed, DagRun, Run, airflow_of, each
from lib.functions.airflow_client.by_cli import rows
from lib.functions.errors import AirflowRefused, AirflowUnavailable, FunctionError, Misconfigured, NotReady
from tests.support.mwaa import NAME, REGION, Mwaa, Reply, printed

AIRFLOW = airflow_of({"name": NAME, "region": REGION}, "2.10.3")
UNKNOWN = printed("", "UserWarning: no graphviz\nDAG: restore does not exist in 'dag' table\n", status=400)
TABLE = "dag_id  | is_paused\n========+==========\nrestore | {}    \n                   \n"
NONE_LEFT = "No paused DAGs were found\n"
TRIGGER_FAILED = "Traceback (most recent call last):\n  File\nairflow.exceptions.{}: about restore\n"
RUNS = '[{"dag_id": "restore", "run_id": "dr-1", "state": "queued", "execution_date": "2026-11-22T02:23:42+00:00"}]\n'
LOGGED = "[2026-11-22T02:23:53.343+0000] {__init__.py:43} INFO - Loaded API auth backend\n[\x1b[34m2026\x1b[0m] INFO\n"


def says(mwaa: Mwaa, *replies: Reply) -> None:
    """Commands are answered in turn, and there is no REST API, as in environments that were never updated."""
    refuses_rest(mwaa)
    turns = iter(replies)
    mwaa.cli = lambda command: next(turns)


def refuses_rest(mwaa: Mwaa) -> None:
    mwaa.rest = lambda call: (400, {"detail": "Update your environment to use InvokeRestApi"})


def test_a_dag_without_a_row_is_not_ready(mwaa: Mwaa) -> None:
    says(mwaa, UNKNOWN, printed("[]\n"))
    assert AIRFLOW.unready("restore") == "DAG restore is not parsed yet"
    assert AIRFLOW.unready("restore") == ""


def test_with_rest_a_dag_whose_file_is_broken_is_not_ready_either(mwaa: Mwaa) -> None:
    mwaa.rest = lambda call: (200, {"is_active": True, "has_import_errors": True})
    assert AIRFLOW.unready("restore") == "the file of DAG restore cannot be imported"
    assert mwaa.commands == []


@pytest.mark.parametrize("stdout", ["Dag: restore, paused: False\n", TABLE.format(False), TABLE.format(True)])
def test_a_dag_is_unpaused_whatever_the_version_prints(mwaa: Mwaa, stdout: str) -> None:
    says(mwaa, printed(LOGGED + stdout))
    AIRFLOW.set_paused("restore", False)
    assert mwaa.commands == ["dags unpause restore"]


def test_nothing_to_unpause_is_well_where_the_dag_is_there(mwaa: Mwaa) -> None:
    says(mwaa, printed(NONE_LEFT), printed("[]\n"))
    AIRFLOW.set_paused("restore", False)


@pytest.mark.parametrize("replies", [(UNKNOWN,), (printed(NONE_LEFT), UNKNOWN)])
def test_an_unknown_dag_is_not_ready_whatever_the_version_prints(mwaa: Mwaa, replies: tuple[Reply, ...]) -> None:
    says(mwaa, *replies)
    with pytest.raises(NotReady, match="DAG restore is not parsed yet"):
        AIRFLOW.set_paused("restore", False)


def test_runs_are_found_between_log_lines(mwaa: Mwaa) -> None:
    says(mwaa, printed(LOGGED + RUNS + LOGGED))
    assert AIRFLOW.runs("restore") == [Run("dr-1", "queued")]


def test_runs_of_years_are_not_asked_for(mwaa: Mwaa) -> None:
    says(mwaa, printed("[]"))
    AIRFLOW.runs("restore")
    assert "--start-date" in mwaa.commands[0]


def test_with_rest_no_command_carries_the_conf_whose_audit_log_would_keep_it(mwaa: Mwaa) -> None:
    conf = {"task_token": "the-task-token"}
    mwaa.rest = lambda call: (200, {})
    AIRFLOW.trigger("restore", "dr-1", conf)
    assert mwaa.commands == []
    [call] = mwaa.calls
    assert (call.method, call.path) == ("POST", "/dags/restore/dagRuns")
    assert call.body
    assert call.body["conf"] == conf


def test_a_refusal_of_rest_that_quotes_the_conf_is_shown_nowhere(
    mwaa: Mwaa, capsys: pytest.CaptureFixture[str]
) -> None:
    mwaa.cli = lambda command: printed("created")
    mwaa.rest = lambda call: (400, {"detail": f"cannot read {call.body}"})
    AIRFLOW.trigger("restore", "dr-1", {"task_token": "the-task-token"})
    assert "triggered by the CLI" in (told := capsys.readouterr().out)
    assert "the-task-token" not in told


def test_a_trigger_carries_any_text_through_the_shell(mwaa: Mwaa) -> None:
    conf = {"task_token": "AQ'\"$(x)`\\ ü漢\n", "activate_dags": False}
    says(mwaa, printed("created"))
    AIRFLOW.trigger("restore", "dr-1", conf)
    words = shlex.split(mwaa.commands[0])
    assert words[:5] == ["dags", "trigger", "restore", "--run-id", "dr-1"]
    assert json.loads(words[-1]) == conf


def test_a_run_that_is_there_is_no_error(mwaa: Mwaa) -> None:
    says(mwaa, printed(LOGGED, TRIGGER_FAILED.format("DagRunAlreadyExists"), status=400))
    AIRFLOW.trigger("restore", "dr-1", {})


def test_what_a_trigger_prints_is_shown_nowhere(mwaa: Mwaa, capsys: pytest.CaptureFixture[str]) -> None:
    says(mwaa, printed("conf: the-task-token", TRIGGER_FAILED.format("Odd: the-task-token"), status=400))
    AIRFLOW.trigger("restore", "dr-1", {"task_token": "the-task-token"})
    assert "the-task-token" not in capsys.readouterr().out


def test_triggering_an_unknown_dag_is_not_ready(mwaa: Mwaa) -> None:
    says(mwaa, printed("", TRIGGER_FAILED.format("DagNotFound"), status=400))
    with pytest.raises(NotReady):
        AIRFLOW.trigger("restore", "dr-1", {})


def test_a_run_is_ended_by_rest_since_no_command_does_it(mwaa: Mwaa) -> None:
    AIRFLOW.fail("restore", "dr-1")
    [call] = mwaa.calls
    assert (call.method, call.path, call.body) == ("PATCH", "/dags/restore/dagRuns/dr-1", {"state": "failed"})
    assert mwaa.commands == []


OLD: list[dict[str, object]] = [
    {"dag_id": "off", "filepath": "off.py", "owner": "me", "paused": "True"},
    {"dag_id": "on", "filepath": "on.py", "owner": "me", "paused": "False"},
    {"dag_id": "unparsed", "filepath": "u.py", "owner": "me", "paused": None},
]
"""`dags list` of 2.4 to 2.8."""
NEW = [{"dag_id": row["dag_id"], "fileloc": "f", "owners": ["me"], "is_paused": row["paused"]} for row in OLD]
"""`dags list` of 2.9 to 2.11."""


@pytest.mark.parametrize("listed", [OLD, NEW])
def test_without_rest_the_dags_are_listed_in_any_format(mwaa: Mwaa, listed: list[dict[str, object]]) -> None:
    says(mwaa, printed(LOGGED + json.dumps(listed)))
    assert AIRFLOW.active_dags() == ["on"]


def test_without_rest_every_active_dag_is_paused(mwaa: Mwaa) -> None:
    says(mwaa, printed(json.dumps(OLD)), printed("Dag: on, paused: True\n"))
    assert AIRFLOW.pause_all() == ["on"]
    assert mwaa.commands[1:] == ["dags pause on"]


def test_a_rest_api_that_is_down_is_not_replaced_by_a_list_that_may_lack_dags(mwaa: Mwaa) -> None:
    mwaa.rest = lambda call: (503, {})
    with pytest.raises(AirflowUnavailable):
        AIRFLOW.pause_all()


def listed(**dags: list[dict[str, str]]) -> Callable[[str], Reply]:
    """What `dags list` and `dags list-runs` print of active DAGs and their runs."""

    def reply(command: str) -> Reply:
        words = shlex.split(command)
        if words[1] == "list":
            return printed(json.dumps([{"dag_id": dag_id, "is_paused": "False"} for dag_id in dags]))
        dag_id, options = words[3], words[4:-2]
        state = options[1] if options else None
        found = [run for run in dags[dag_id] if state in (None, run["state"])]
        return printed(json.dumps([{"dag_id": dag_id, "start_date": "", **run} for run in found]))

    return reply


def test_without_rest_the_runs_of_every_dag_are_listed(mwaa: Mwaa) -> None:
    refuses_rest(mwaa)
    mwaa.cli = listed(
        sales=[{"run_id": "r", "state": "running"}, {"run_id": "done", "state": "success"}],
        stock=[{"run_id": "q", "state": "queued"}],
    )
    assert sorted(AIRFLOW.unfinished_runs()) == [DagRun("sales", "r"), DagRun("stock", "q")]
    assert AIRFLOW.working_dags() is None


def test_without_rest_the_runs_since_a_moment_are_found_by_their_start(mwaa: Mwaa) -> None:
    refuses_rest(mwaa)
    starts = {
        "before": "2026-11-22T20:09:59.999999+00:00",
        "since": "2026-11-22T21:10:00+01:00",
        "after": "2026-11-22T20:10:01+00:00",
        "never": "",
    }
    mwaa.cli = listed(sales=[{"run_id": run, "state": "success", "start_date": at} for run, at in starts.items()])
    found = AIRFLOW.runs_since("2026-11-22T20:10:00+00:00")
    assert found == [DagRun("sales", "since"), DagRun("sales", "after")]


def test_without_rest_runs_of_many_dags_are_refused_in_words(mwaa: Mwaa) -> None:
    refuses_rest(mwaa)
    mwaa.cli = listed(**{f"dag_{n}": [] for n in range(21)})
    with pytest.raises(AirflowRefused, match=r"has 21 DAGs, too many .* HINT: Update the environment"):
        AIRFLOW.unfinished_runs()


def test_without_rest_some_dags_are_changed_by_commands(mwaa: Mwaa, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(each, "PAUSE", 0)
    says(mwaa, printed("Dag: a, paused: True\n"), UNKNOWN)
    assert AIRFLOW.set_each(["a", "restore"], True, seconds=60) == Changed(("a",), ("restore",))
    assert mwaa.commands == ["dags pause a", "dags pause restore"]


def test_with_rest_no_command_is_needed(mwaa: Mwaa, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(each, "PAUSE", 0)
    none = {"dag_runs": [], "task_instances": [], "total_entries": 0}
    mwaa.rest = lambda call: (200, none)
    AIRFLOW.set_each(["a"], True, seconds=60)
    AIRFLOW.unfinished_runs()
    AIRFLOW.runs_since("2026-11-22T20:10:00+00:00")
    AIRFLOW.working_dags()
    assert mwaa.commands == []


def test_variables_are_set_and_deleted(mwaa: Mwaa) -> None:
    says(mwaa, printed("Variable DR_X created\n"), printed("Variable DR_X deleted\n"))
    AIRFLOW.set_variable("DR_X", '["a", "ü"]')
    AIRFLOW.delete_variable("DR_X")
    assert shlex.split(mwaa.commands[0]) == ["variables", "set", "DR_X", '["a", "ü"]']


USAGE = printed(
    "Usage: airflow", "\nairflow variables set command error: required: VALUE, see help above.\n", status=400
)
LOST = printed("", "Traceback\nsqlalchemy.exc.OperationalError: server closed the connection\n", status=400)
REFUSALS: list[tuple[Callable[[], object], Reply, type[FunctionError], str]] = [
    (
        lambda: AIRFLOW.set_variable("DR_X", "1"),
        USAGE,
        AirflowRefused,
        "did not set Variable DR_X: airflow variables set",
    ),
    (lambda: AIRFLOW.delete_variable("DR_X"), LOST, AirflowUnavailable, "OperationalError"),
    (
        lambda: AIRFLOW.set_paused("restore", True),
        printed(),
        AirflowUnavailable,
        "did not pause restore: it printed nothing",
    ),
    (lambda: AIRFLOW.runs("restore"), printed("No data found"), AirflowRefused, "No data found"),
    (lambda: AIRFLOW.runs("restore"), Reply(403), Misconfigured, "403"),
]


@pytest.mark.parametrize(("act", "reply", "kind", "words"), REFUSALS)
def test_a_command_that_does_not_say_that_it_is_done_is_an_error(
    mwaa: Mwaa, act: Callable[[], object], reply: Reply, kind: type[FunctionError], words: str
) -> None:
    says(mwaa, reply)
    with pytest.raises(kind, match=words):
        act()


@pytest.mark.parametrize("text", ["", "[1, 2]", "[2026-01-01] INFO", "{}", "No data found"])
def test_what_is_no_list_of_rows_is_none(text: str) -> None:
    assert rows(text) is None


def test_no_rows_are_rows_too() -> None:
    assert rows("[]\n") == []
