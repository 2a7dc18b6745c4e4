"""Airflow 3.1."""
