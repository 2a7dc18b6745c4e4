"""Airflow 2.9."""
