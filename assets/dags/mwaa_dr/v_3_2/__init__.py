"""Airflow 3.2."""
