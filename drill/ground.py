"""What a rehearsal stands on: the account of a configuration on a local AWS, and what is deployed into it."""

from __future__ import annotations

import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drill.aws import LocalAws
from drill.containers import Place
from drill.venvs import PROJECT, DrillError
from lib.config import Config
from lib.config.findings import ConfigError

OPTIONS = {"core.max_active_tasks_per_dag": "12"}
"""Airflow options of an environment, to be found again in what is created from its blueprint."""

ACTIVE_AT_ONCE = {"core.dags_are_paused_at_creation": "False"}
"""An option that a new environment must not follow at first, and has to be given back in the end."""

WAIT_SCALE = 0.1
"""What the waits of the workflows are shortened by."""


@dataclass
class Ground(ABC):
    """The account; `settings` are the variables that win over the file."""

    aws: LocalAws
    env_file: Path
    settings: Mapping[str, str]

    @property
    @abstractmethod
    def primary(self) -> Place:
        """The environment that a story begins with."""

    @property
    @abstractmethod
    def regions(self) -> tuple[str, ...]:
        """The Regions that something is deployed into."""

    @abstractmethod
    def upload(self, *files: Path) -> None:
        """Put DAG files into the DAGs bucket of the primary."""

    def here(self, service: str) -> Any:
        """A client in the primary's Region."""
        return self.aws.client(service, self.primary.region)

    def fields(self, place: Place) -> dict[str, Any]:
        """What MWAA keeps of an environment."""
        for one in self.aws.mwaa.environments():
            if (one.region, one.name) == (place.region, place.name):
                return one.fields
        raise DrillError(f"there is no environment {place.name} in {place.region}")

    def deploy(self) -> None:
        """`cdk deploy --all`."""
        self.aws.deploy(
            app=f"{sys.executable} app.py",
            options=["--context", f"env-file={self.env_file}"],
            settings={name: value.strip("'") for name, value in self.settings.items()},
        )

    def put(self, bucket: str, prefix: str, *files: Path) -> None:
        """Put files below a prefix of a bucket of the primary's Region."""
        for file in files:
            self.here("s3").put_object(Bucket=bucket, Key=f"{prefix}/{file.name}", Body=file.read_bytes())


def user_file() -> Path:
    """The user's .env, else the example."""
    own = PROJECT / ".env"
    return own if own.is_file() else PROJECT / ".env.example"


def loaded(env_file: Path, changes: Mapping[str, str]) -> Config:
    """What a file and these variables configure."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_"))}
    try:
        return Config.load(env_file, {**environ, **changes})
    except ConfigError as err:
        raise DrillError(f"{env_file.name} cannot be deployed: {err}") from err
