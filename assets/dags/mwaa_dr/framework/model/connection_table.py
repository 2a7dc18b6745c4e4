"""Airflow Connections, their password and extra encrypted with the environment's Fernet key."""

from __future__ import annotations

from mwaa_dr.framework.model.table import Existing, Merge, Table

CONNECTION = Table(
    "connection",
    Merge.MATCH,
    key=("conn_id",),
    surrogate="id",
    existing=Existing.STRATEGY,
    secrets=("password:is_encrypted", "extra:is_extra_encrypted"),
    confidential=True,
)
"""What becomes of a Connection that is already there: what `DR_CONNECTION_RESTORE_STRATEGY` says."""
