"""boto3 for an Airflow: on MWAA it comes with the Amazon provider, which the lock files leave out."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from drill.venvs import DrillError

BOTO = ("boto3", "botocore", "s3transfer", "jmespath")
"""All are plain Python, so that any version of it runs them."""


def lend_boto(folder: Path) -> None:
    """Make a folder that an Airflow takes as PYTHONPATH, with our own boto3 in it."""
    folder.mkdir()
    for name in BOTO:
        found = importlib.util.find_spec(name)
        if found is None or found.origin is None:
            raise DrillError(f"the package {name} is not installed", "Run ./build.sh setup.")
        (folder / name).symlink_to(Path(found.origin).parent)
