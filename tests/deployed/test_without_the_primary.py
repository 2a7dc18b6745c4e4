"""Nothing of a recovery needs the primary Region, not even the key under which its backup was sealed there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from mwaa_dr.framework.repository import BackupRepository
from tests.conftest import Database
from tests.support.deployment import Deployment
from tests.support.engine import VERSION, backup, cleanup, restore
from tests.support.fernet import decrypted
from tests.support.filled import fill
from tests.support.local_aws import eventually
from tests.support.metadata import OTHER_FERNET, Metadata
from tests.support.starting_over import start_over

pytestmark = pytest.mark.slow

VARIABLES = {"DR_TYPE": "WARM_STANDBY"}


@pytest.fixture(scope="module")
def keys(deployment: Deployment) -> tuple[str, ...]:
    """What the deployment has told the primary's Airflow to seal its backups with."""
    told = deployment.airflows[deployment.primary.region].variables["DR_KMS_KEY_ARNS"]
    return tuple(told.split(", "))


@pytest.fixture
def engine(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine reaches the local AWS as a worker of the secondary does: with its Region and no other setting."""
    names = {name for name in deployment.aws.environment() if name.startswith("AWS_")}
    for name in names:
        monkeypatch.setenv(name, deployment.aws.environment(deployment.secondary.region)[name])


@pytest.mark.parametrize("strategy", ["WARM_STANDBY", "BACKUP_RESTORE"])
@pytest.mark.usefixtures("engine")
def test_a_sealed_backup_is_restored_while_the_primary_region_refuses_every_call(
    deployment: Deployment, keys: tuple[str, ...], database: Database, strategy: str
) -> None:
    site = deployment
    if site.config.deployment.dr_type != strategy:
        site.configure(DR_TYPE=strategy)
    start_over(site)
    assert site.run().states[-1] == "The primary is healthy"
    source, target = Metadata(database(VERSION)), Metadata(database(VERSION))
    fill(source)
    taken = backup(source.url, site.storage(site.primary), kms_key_arns=keys)
    folder, copies = f"prod.us-east-1/{taken.backup_id}", site.storage(site.secondary)
    eventually(lambda: {*copies.paths(folder)} == {*site.storage(site.primary).paths(folder)})
    copy = BackupRepository(copies).choose("prod.us-east-1", taken.backup_id)
    assert [arn.split(":")[3] for arn in copy.wrapped_keys] == [site.primary.region, site.secondary.region]

    def really_clean(conf: Mapping[str, Any]) -> dict[str, Any]:
        return {"removed": len(cleanup(target.url, force=conf["force"]).tables)}

    def really_restore(conf: Mapping[str, Any]) -> dict[str, Any]:
        place = site.storage(site.secondary)
        return {
            "backup_id": restore(target.url, place, backup_id=conf["backup_id"], source=conf["environment"]).backup_id
        }

    site.airflow.work |= {"cleanup_metadata": really_clean, "restore_metadata": really_restore}
    site.aws.silence(site.primary.region)
    for bucket in (site.config.backup_bucket_name(site.primary), site.primary.dags_bucket_name):
        site.aws.silence_bucket(bucket)
    site.aws.forget_calls()
    found = site.run()
    assert found.states[-1] == "The secondary has taken over", found.why
    assert site.airflow.conf_of("restore_metadata")["backup_id"] == taken.backup_id
    (secret,) = target.rows("SELECT val FROM variable WHERE key = 'sales_secret'")
    (password,) = target.rows("SELECT password FROM connection WHERE conn_id = 'sales'")
    assert [decrypted(OTHER_FERNET, text) for (text,) in (secret, password)] == ["sales v", "sales p"]
    calls = site.aws.calls()
    opened = [call.region for call in calls if call.action == "kms:Decrypt" and call.status == 200]
    assert {*opened} == {site.secondary.region}
    assert {call.service for call in calls if call.region == site.primary.region} <= {"airflow", "cloudwatch"}
