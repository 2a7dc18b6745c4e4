"""What a run is asked to do: dag_run.conf over Airflow Variables over the environment over defaults."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mwaa_dr.framework.errors import SettingError
from mwaa_dr.framework.manifest import Mode
from mwaa_dr.framework.model.options import InFlight
from mwaa_dr.framework.model.setting import BACKUP, RESTORE, Operation, Setting, StorageType
from mwaa_dr.framework.model.settings import Settings, table

Variable = Callable[[str], str | None]
"""Looks an Airflow Variable up; None where there is none."""


@dataclass(frozen=True)
class Sources:
    """All that a value can come from, the strongest first."""

    conf: object
    variable: Variable
    environ: Mapping[str, str]
    defaults: Mapping[str, object]
    """Setting -> what the factory was built with."""

    def values(self, row: Setting) -> Iterator[tuple[str, object]]:
        """Yield each place where the setting could be given, in words, with what is there."""
        if row.conf and isinstance(self.conf, Mapping):
            yield f"dag_run.conf '{row.conf}'", self.conf.get(row.conf)
        if row.variable:
            yield f"Airflow Variable {row.variable}", self.variable(row.variable)
        for name in row.environ:
            yield f"environment variable {name}", self.environ.get(name)
        yield f"the factory's {row.name}", self.defaults.get(row.name)


def read_settings(
    operation: Operation,
    *,
    conf: object,
    variable: Variable,
    environ: Mapping[str, str],
    defaults: Mapping[str, object] | None = None,
) -> Settings:
    """All settings that the operation uses; raise one SettingError with a line for each that is wrong."""
    sources = Sources(conf or {}, variable, environ, defaults or {})
    wrong = _unknown(sources.conf)
    found: dict[str, Any] = {}
    for row in table():
        if operation in row.used_by:
            try:
                found[row.name] = _read(row, sources)
            except SettingError as err:
                wrong.append(err.message)
    settings = Settings(**found)
    wrong += [] if wrong else _contradictions(operation, settings)
    if wrong:
        raise SettingError("\n".join(wrong), "Correct the setting and run again; nothing was changed.")
    return settings


def read_setting(
    name: str,
    *,
    conf: object,
    variable: Variable,
    environ: Mapping[str, str],
    defaults: Mapping[str, object] | None = None,
) -> Any:
    """One setting alone; raise SettingError when it is wrong, whatever the others are."""
    row = next(row for row in table() if row.name == name)
    return _read(row, Sources(conf or {}, variable, environ, defaults or {}))


def _read(row: Setting, sources: Sources) -> Any:
    for where, value in sources.values(row):
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        try:
            return row.kind.read(value)
        except ValueError:
            shown = "a value that is not shown" if row.secret else _short(value)
            raise SettingError(f"{where} is {shown}, allowed: {row.kind.allowed}") from None
    return row.default


def _unknown(conf: object) -> list[str]:
    known = sorted(row.conf for row in table() if row.conf)
    if not isinstance(conf, Mapping):
        return [f"dag_run.conf is {_short(conf)}, allowed: an object with {', '.join(known)}"]
    unknown = sorted(_short(key) for key in conf if key not in known)
    return [f"dag_run.conf has an unknown setting {key}, allowed: {', '.join(known)}" for key in unknown]


def _contradictions(operation: Operation, settings: Settings) -> list[str]:
    wrong = []
    needs_bucket = operation in BACKUP | RESTORE and settings.storage_type is StorageType.S3
    if needs_bucket and not settings.bucket:
        wrong.append(
            "no backup bucket is set, allowed: its name in the Airflow Variable DR_BACKUP_BUCKET"
            " or in dag_run.conf 'bucket' (or DR_STORAGE_TYPE=LOCAL_FS)"
        )
    if settings.active_dags_key and settings.storage_type is not StorageType.S3:
        wrong.append("dag_run.conf 'active_dags_key' is set, allowed: only with backups in S3")
    if settings.active_dags_key and settings.active_dags is not None:
        wrong.append("dag_run.conf has 'active_dags' and 'active_dags_key', allowed: one of them")
    if settings.in_flight is InFlight.RESUME and not settings.primary_fenced:
        wrong.append("dag_run.conf 'in_flight' is 'resume', allowed: only together with primary_fenced=true")
    if settings.in_flight is InFlight.RESUME and settings.mode is Mode.CONFIG_ONLY:
        wrong.append(
            "dag_run.conf 'in_flight' is 'resume', allowed: only where runs are restored, not with CONFIG_ONLY"
        )
    return wrong


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
