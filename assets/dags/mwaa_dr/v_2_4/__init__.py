"""Airflow 2.4."""
