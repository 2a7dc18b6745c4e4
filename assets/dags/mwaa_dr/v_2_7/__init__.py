"""Airflow 2.7."""
