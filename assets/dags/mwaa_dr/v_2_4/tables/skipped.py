"""The tables that are not carried, each with the reason for people."""

from __future__ import annotations

from collections.abc import Mapping

PARSED_AGAIN = "the target writes it when it parses the DAG files"

SKIPPED: Mapping[str, str] = {
    "ab_register_user": "sign-ups that wait for a link to the old web server to be followed",
    "alembic_version": "says which schema the target itself has; the backup's manifest names its own",
    "callback_request": "callbacks that waited to be called; nothing restored sends a mail or a callback",
    "dag_code": PARSED_AGAIN,
    "dag_owner_attributes": PARSED_AGAIN,
    "dag_pickle": "DAGs that were pickled for workers without the files; Airflow pickles them again",
    "dag_schedule_dataset_reference": PARSED_AGAIN,
    "dag_tag": PARSED_AGAIN,
    "dag_warning": PARSED_AGAIN,
    "import_error": PARSED_AGAIN,
    "serialized_dag": PARSED_AGAIN,
    "session": "who is logged in to the old web server; people log in again",
    "task_outlet_dataset_reference": PARSED_AGAIN,
    "trigger": "what deferred tasks wait for, from Airflow 2.9 encrypted for one environment;"
    " a deferred task counts as interrupted",
}
