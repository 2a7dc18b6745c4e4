"""Airflow 3.3."""
