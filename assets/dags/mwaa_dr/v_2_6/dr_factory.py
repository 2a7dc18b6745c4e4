"""Airflow 2.6: the tables of 2.5."""

from __future__ import annotations

from mwaa_dr.v_2_5.dr_factory import DRFactory_2_5


class DRFactory_2_6(DRFactory_2_5):
    """Airflow 2.6 widens the names of users (migration 98ae134e6fff), which old rows fit."""
