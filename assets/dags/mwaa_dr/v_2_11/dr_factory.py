"""Airflow 2.11: the tables of 2.10."""

from __future__ import annotations

from mwaa_dr.v_2_10.dr_factory import DRFactory_2_10


class DRFactory_2_11(DRFactory_2_10):
    """Airflow 2.11 has no migration of its own: it ends where 2.10.3 does, at 5f2621c13b39."""
