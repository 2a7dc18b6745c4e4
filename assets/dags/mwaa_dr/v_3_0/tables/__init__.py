"""The tables of Airflow 3.0, by theme; later versions add to them and change them."""
