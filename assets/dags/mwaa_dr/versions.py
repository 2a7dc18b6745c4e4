"""Which Airflow versions are served, by the folders `v_2_4`, `v_2_5`, ... beside this file."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Mapping

import mwaa_dr
from mwaa_dr.framework.errors import UnservedVersionError
from mwaa_dr.framework.factory.base_dr_factory import BaseDRFactory

FOLDER = re.compile(r"v_(\d+)_(\d+)")
VERSION = re.compile(r"([0-9]{1,3})\.([0-9]{1,3})(\.[0-9]+)?([.+-]?[a-z][\w.+-]*)?")

REVISIONS: Mapping[str, str] = {
    "b1b348e02d07": "2.3.0",
    "1de7bc13c950": "2.3.1",
    "3c94c427fdf6": "2.3.2",
    "f5fcbda3e651": "2.3.3",
    "ecb43d2a1842": "2.4.0",
    "b0d31815b5a6": "2.4.2",
    "e07f49787c9d": "2.4.3",
    "290244fb8b83": "2.5.0",
    "98ae134e6fff": "2.6.0",
    "c804e5c76e3e": "2.6.2",
    "405de8318b3a": "2.7.0",
    "10b52ebd31f7": "2.8.0",
    "88344c1d9134": "2.8.1",
    "1949afb29106": "2.9.0",
    "686269002441": "2.9.2",
    "22ed7efa9da2": "2.10.0",
    "5f2621c13b39": "2.10.3",
    "29ce7909c52b": "3.0.0",
    "fe199e1abd77": "3.0.3",
    "cc92b33c6709": "3.1.0",
    "509b94a1042d": "3.1.8",
    "1d6611b6ab7c": "3.2.0",
    "d2f4e1b3c5a7": "3.3.0",
}
"""Alembic revision -> the first Airflow that ends there (`_REVISION_HEADS_MAP` in `airflow/utils/db.py`)."""


def served_versions() -> list[str]:
    """The versions that are served, oldest first.

    >>> served_versions()[:2]
    ['2.4', '2.5']
    """
    return [f"{major}.{minor}" for major, minor in _folders()]


def factory_for(version: str) -> type[BaseDRFactory]:
    """The factory of an Airflow version; raises UnservedVersionError where there is none.

    >>> factory_for("2.10.3").__name__
    'DRFactory_2_10'
    >>> factory_for("2.3.4")
    Traceback (most recent call last):
    ...
    mwaa_dr.framework.errors.UnservedVersionError: Airflow 2.3.4 is not served
    HINT: Served are 2.4, 2.5, 2.6, 2.7, 2.8, 2.9, 2.10, 2.11, 3.0, 3.1, 3.2, 3.3.
    """
    found = VERSION.fullmatch(version)
    if not found:
        raise UnservedVersionError(f"'{version}' is not a version of Airflow", _hint())
    major, minor = int(found[1]), int(found[2])
    if (major, minor) not in _folders():
        raise UnservedVersionError(f"Airflow {version} is not served", _hint())
    module = importlib.import_module(f"{mwaa_dr.__name__}.v_{major}_{minor}.dr_factory")
    factory: type[BaseDRFactory] = getattr(module, f"DRFactory_{major}_{minor}")
    return factory


def version_of(alembic_revision: str) -> str:
    """The first Airflow version whose schema has this Alembic revision, served or not.

    Later versions with the same schema have the same tables: "2.10.3" stands for 2.11, too. Raises
    UnservedVersionError for a revision that ends no known version.

    >>> version_of("405de8318b3a")
    '2.7.0'
    """
    version = REVISIONS.get(alembic_revision)
    if version is None:
        raise UnservedVersionError(f"no known Airflow has the Alembic revision '{alembic_revision}'", _hint())
    return version


def revision_of(version: str) -> str:
    """The Alembic revision that the migrations of an Airflow version end at, as far as it is known.

    >>> revision_of("3.0.6") == revision_of("3.0.3")
    True
    """
    return max((_numbers(first), found) for found, first in REVISIONS.items() if _numbers(first) <= _numbers(version))[
        1
    ]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _folders() -> list[tuple[int, int]]:
    names = (module.name for module in pkgutil.iter_modules(mwaa_dr.__path__))
    found = (FOLDER.fullmatch(name) for name in names)
    return sorted((int(match[1]), int(match[2])) for match in found if match)


def _hint() -> str:
    return f"Served are {', '.join(served_versions())}."
