"""Whether a backup of one Airflow version may be restored into another."""

from __future__ import annotations

import re

from mwaa_dr.framework.errors import IncompatibleBackupError
from mwaa_dr.framework.manifest import Manifest


def check_versions(manifest: Manifest, target: str) -> None:
    """Raise IncompatibleBackupError unless the target is the backup's version, or a newer one of its major line."""
    source, here = minor(manifest.airflow_version), minor(target)
    if source[0] != here[0]:
        raise IncompatibleBackupError(
            f"the backup is of Airflow {manifest.airflow_version}, the target runs {target}",
            "A backup is restored within its major line; upgrade the environment in place after the restore."
            " MWAA upgrades 2.11 to 3 in place: UpdateEnvironment with the new AirflowVersion.",
        )
    if source > here:
        raise IncompatibleBackupError(
            f"the backup is of Airflow {manifest.airflow_version}, newer than the target's {target}",
            f"Restore into Airflow {manifest.airflow_version}, or a newer one of its major line.",
        )


def minor(version: str) -> tuple[int, int]:
    """Major and minor number of an Airflow version; raises IncompatibleBackupError for what is none."""
    found = re.match(r"(\d+)\.(\d+)", version)
    if not found:
        raise IncompatibleBackupError(f"'{version}' is no Airflow version", "The version has the form 2.10.3.")
    return int(found[1]), int(found[2])
