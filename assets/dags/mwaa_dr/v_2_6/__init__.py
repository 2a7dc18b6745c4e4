"""Airflow 2.6."""
