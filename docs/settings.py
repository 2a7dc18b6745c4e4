"""Write docs/settings.md: every setting of the DAGs, from where they are declared.

Run it after a change of the settings: PYTHONPATH=assets/dags python docs/settings.py
"""

from __future__ import annotations

from pathlib import Path

from mwaa_dr.framework.settings_page import settings_table

PAGE = Path(__file__).with_suffix(".md")

HEAD = """\
<!-- Written by docs/settings.py from mwaa_dr/framework/model/settings.py; do not edit. -->
# Settings

What a run of `backup_metadata`, `restore_metadata` or `cleanup_metadata` is asked to do. The strongest comes
first: the `dag_run.conf` that the run was triggered with, the Airflow Variable (in the database, in a secrets
backend, or as an environment variable `AIRFLOW_VAR_<NAME>`), the environment, what the factory was built with,
the default. An empty value counts as not given. A value that is not allowed, and an unknown key in
`dag_run.conf`, is refused before anything is touched, with a line for each.

"""


def page() -> str:
    """The whole page."""
    return HEAD + settings_table() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
