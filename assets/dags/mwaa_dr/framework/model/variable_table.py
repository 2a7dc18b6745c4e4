"""Airflow Variables, encrypted with the environment's Fernet key."""

from __future__ import annotations

from mwaa_dr.framework.model.conditions import OUR_SETTINGS
from mwaa_dr.framework.model.table import Existing, Merge, Table

VARIABLE = Table(
    "variable",
    Merge.MATCH,
    key=("key",),
    surrogate="id",
    existing=Existing.STRATEGY,
    environment_bound=OUR_SETTINGS,
    secrets=("val:is_encrypted",),
    confidential=True,
)
"""What becomes of a Variable that is already there: what `DR_VARIABLE_RESTORE_STRATEGY` says."""
