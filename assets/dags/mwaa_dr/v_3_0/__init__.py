"""Airflow 3.0."""
