"""Airflow 2.8."""
