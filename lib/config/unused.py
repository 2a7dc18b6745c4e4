"""Variables that are set and do nothing: a slip of the pen, or a product that is not deployed."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from lib.config.catalog import Product, base_and_environment, products
from lib.config.findings import Finding
from lib.config.read import Drafts
from lib.config.sources import Sources

OURS = ("PRIMARY_", "SECONDARY_", "HEALTH_CHECK_", "MWAA_", "METADATA_", "SFN_", "DR_", "STOP_", "FAILOVER_", "BACKUP_")
"""What begins like this in `.env` is meant for us."""


def warnings(sources: Sources, drafts: Drafts) -> Iterator[Finding]:
    """A line for each such variable; in the environment only what is unmistakably ours is looked at."""
    known = products()
    for name in sources.names():
        base, environment = base_and_environment(name)
        product = known.get(base)
        if product is None:
            if name in sources.file:
                yield from _unknown(name, list(known))
        elif environment:
            yield from _environment(name, environment, drafts)
        elif name in sources.file and not _is_deployed(product, drafts):
            yield Finding(name, f"{name} has no effect, since {product.value} is not deployed")


def _unknown(name: str, known: list[str]) -> Iterator[Finding]:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.85)
    if close or name.startswith(OURS):
        hint = f": is {close[0]} meant?" if close else ""
        yield Finding(name, f"{name} has no effect, since there is no such variable{hint}")


def _environment(name: str, environment: str, drafts: Drafts) -> Iterator[Finding]:
    plan = drafts.start_stop
    if plan and environment not in plan.schedules.environments:
        yield Finding(name, f"{name} has no effect, since START_STOP_ENVIRONMENTS does not list {environment}")


def _is_deployed(product: Product, drafts: Drafts) -> bool:
    deployed = {Product.RECOVERY: drafts.disaster_recovery, Product.START_STOP: drafts.start_stop}
    return bool(deployed.get(product, True))
