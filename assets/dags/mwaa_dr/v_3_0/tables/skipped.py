"""The tables of Airflow 3.0 that are not carried, each with the reason for people."""

from __future__ import annotations

from collections.abc import Mapping

from mwaa_dr.v_2_4.tables.skipped import PARSED_AGAIN
from mwaa_dr.v_2_4.tables.skipped import SKIPPED as SKIPPED_IN_2

OF_AIRFLOW_2 = "left over from Airflow 2 by the upgrade; Airflow 3 neither reads nor writes it"

SKIPPED: Mapping[str, str] = {
    **{
        name: SKIPPED_IN_2[name]
        for name in (
            "ab_register_user",
            "alembic_version",
            "callback_request",
            "dag_owner_attributes",
            "dag_tag",
            "dag_warning",
            "import_error",
            "session",
            "trigger",
        )
    },
    "_xcom_archive": "XComs that the migration to Airflow 3 set aside",
    "alembic_version_fab": "says which schema the target's FAB auth manager has itself",
    "asset_active": "the target says it when it parses the DAG files: an asset is active while a DAG uses it",
    "asset_trigger": PARSED_AGAIN,
    "dag_priority_parsing_request": "asks the old environment to parse a file soon",
    "dag_schedule_asset_alias_reference": PARSED_AGAIN,
    "dag_schedule_asset_name_reference": PARSED_AGAIN,
    "dag_schedule_asset_reference": PARSED_AGAIN,
    "dag_schedule_asset_uri_reference": PARSED_AGAIN,
    "deadline": "Airflow 3.0 makes the table and watches no deadline",
    "sla_miss": OF_AIRFLOW_2,
    "task_outlet_asset_reference": PARSED_AGAIN,
}
