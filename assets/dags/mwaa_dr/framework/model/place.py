"""The settings that say which environment runs here, where its backups are, and how it is reached."""

# ruff: noqa: RUF009 - setting() declares a field, as dataclasses.field does

from __future__ import annotations

from dataclasses import dataclass

from mwaa_dr.framework.manifest import Environment, Mode
from mwaa_dr.framework.model import setting_kinds as kinds
from mwaa_dr.framework.model.setting import ALL, StorageType, setting


@dataclass(frozen=True)
class Place:
    """Where a run works; every operation uses all of it."""

    environment_name: str = setting(
        "local",
        kinds.ENVIRONMENT_NAME,
        "The name under which this environment's backups are kept.",
        used_by=ALL,
        variable="DR_ENVIRONMENT_NAME",
        environ=("AIRFLOW_ENV_NAME",),
    )
    region: str = setting(
        "",
        kinds.REGION,
        "The Region of this environment.",
        used_by=ALL,
        environ=("AWS_REGION", "AWS_DEFAULT_REGION"),
        default_in_words="none",
    )
    storage_type: StorageType = setting(
        StorageType.S3,
        kinds.choice(StorageType),
        "Where backups are kept: in a bucket, or in the folder `data` of the DAGs folder.",
        used_by=ALL,
        variable="DR_STORAGE_TYPE",
    )
    bucket: str = setting(
        "",
        kinds.BUCKET,
        "The bucket of the backups.",
        used_by=ALL,
        conf="bucket",
        variable="DR_BACKUP_BUCKET",
        default_in_words="none; backup and restore need it with `S3`",
    )
    path_prefix: str = setting(
        "data",
        kinds.PREFIX,
        "The folder of the backups in the bucket, or in the DAGs folder.",
        used_by=ALL,
        variable="DR_PATH_PREFIX",
    )
    s3_kms_key_arn: str = setting(
        "",
        kinds.KMS_ARN,
        "The key that S3 encrypts new objects with (SSE-KMS); needed where the bucket enforces it.",
        used_by=ALL,
        variable="DR_S3_KMS_KEY_ARN",
        default_in_words="as the bucket says",
    )
    mode: Mode = setting(
        Mode.DATABASE,
        kinds.choice(Mode),
        "By the metadata database, with all that is promised; or, where Airflow 3 keeps it from tasks, by the REST API"
        " and the Task SDK: configuration, and the history as an archive.",
        used_by=ALL,
        conf="mode",
        variable="DR_MODE",
    )
    database_url: str = setting(
        "",
        kinds.DATABASE_URL,
        "The metadata database, where Airflow keeps it from tasks; without it, it is looked for.",
        used_by=ALL,
        environ=("DR_DATABASE_URL",),
        default_in_words="none",
        secret=True,
    )
    database_conn_id: str = setting(
        "",
        kinds.CONN_ID,
        "The Airflow Connection to the metadata database, in the place of its URL.",
        used_by=ALL,
        variable="DR_DATABASE_CONN_ID",
        environ=("DR_DATABASE_CONN_ID",),
        default_in_words="none",
    )
    api_conn_id: str = setting(
        "",
        kinds.CONN_ID,
        "The Airflow Connection to an API server outside MWAA, for `CONFIG_ONLY`: its URL, a user and a password.",
        used_by=ALL,
        variable="DR_API_CONN_ID",
        environ=("DR_API_CONN_ID",),
        default_in_words="none: MWAA's InvokeRestApi",
    )

    @property
    def environment(self) -> Environment:
        """The environment that this process belongs to."""
        return Environment(self.environment_name, self.region)
