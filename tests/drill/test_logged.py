"""Which lines of a log may hold a task token."""

from __future__ import annotations

from drill.secrecy import without_what_is_sent


def test_only_the_line_is_left_out_by_which_airflow_3_0_tells_what_it_sends_to_a_task() -> None:
    sent = "2026-01-01 [debug    ] Sending   [supervisor] msg=StartupDetails(ti=..., conf={'task_token': 'AQC'})"
    other = "2026-01-01 [info     ] conf={'task_token': 'AQC'}"
    assert without_what_is_sent(f"before\n{sent}\n{other}") == f"before\n{other}"
