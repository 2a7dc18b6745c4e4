"""Which sections there are, for whom, and the names of all their variables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from lib.config import recovery_sections as recovery
from lib.config import start_stop_sections as start_stop
from lib.config.section import Section, Variable, declared
from lib.config.shared import Common, Deadlines, Engine


class Product(Enum):
    """What can be deployed, alone or with the other."""

    BOTH = "both products"
    RECOVERY = "disaster recovery"
    START_STOP = "stop and start"


@dataclass(frozen=True)
class Entry:
    """A section as it is documented and read."""

    product: Product
    title: str
    section: type[Section]
    side: str = ""

    def variables(self) -> Iterator[Variable[Any]]:
        """Its variables, by their full names."""
        for row in declared(self.section).values():
            yield replace(row, name=row.name.format(side=self.side))


ENTRIES = (
    Entry(Product.RECOVERY, "Deployment", recovery.Deployment),
    Entry(Product.RECOVERY, "Primary", recovery.Primary, "PRIMARY"),
    Entry(Product.RECOVERY, "Secondary", recovery.Secondary, "SECONDARY"),
    Entry(Product.RECOVERY, "Health check", recovery.HealthCheck),
    Entry(Product.RECOVERY, "Recovery", recovery.Recovery),
    Entry(Product.START_STOP, "Schedules", start_stop.Schedules),
    Entry(Product.START_STOP, "Environment", start_stop.Environment),
    Entry(Product.BOTH, "Common", Common),
    Entry(Product.BOTH, "DAG package", Engine),
    Entry(Product.BOTH, "Deadlines", Deadlines),
)

PLACES = frozenset({"AWS_ACCOUNT_ID", "CDK_DEFAULT_ACCOUNT", "CDK_DEFAULT_REGION"})
"""Set by pipelines and by the CDK command line for reasons of their own: these deploy nothing."""

PER_ENVIRONMENT = frozenset(row.name for entry in ENTRIES if entry.title == "Environment" for row in entry.variables())
"""What can be told for one of START_STOP_ENVIRONMENTS, as `NAME__ENVIRONMENT`."""


def products() -> dict[str, Product]:
    """Variable -> the product that it belongs to."""
    return {row.name: entry.product for entry in ENTRIES for row in entry.variables()}


def deploying(product: Product) -> frozenset[str]:
    """The variables that deploy a product when one of them is set."""
    own = (row for entry in ENTRIES if entry.product is product for row in entry.variables())
    return frozenset(row.name for row in own if row.is_required or row.name == "START_STOP_ENVIRONMENTS") - PLACES


def base_and_environment(name: str) -> tuple[str, str]:
    """Split `NAME__ENVIRONMENT`; the second is empty where the variable is meant for all.

    >>> base_and_environment("MWAA_ENV_NAME__DEV")
    ('MWAA_ENV_NAME', 'DEV')
    """
    base, _, environment = name.rpartition("__")
    return (base, environment) if base in PER_ENVIRONMENT else (name, "")
