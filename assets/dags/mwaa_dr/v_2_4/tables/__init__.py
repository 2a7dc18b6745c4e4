"""The tables of Airflow 2.4, by theme; later versions add to them and change them."""
