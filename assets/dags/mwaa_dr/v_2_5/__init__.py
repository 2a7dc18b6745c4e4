"""Airflow 2.5."""
