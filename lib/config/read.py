"""Read the sections of what is deployed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from lib.config import recovery_sections as sections
from lib.config import start_stop_sections
from lib.config.catalog import Product, base_and_environment, deploying
from lib.config.findings import Finding
from lib.config.recovery import DisasterRecovery
from lib.config.section import Section, UnreadableError, read_section
from lib.config.shared import Common, Deadlines, Engine
from lib.config.sources import Sources
from lib.config.start_stop import StartStop

S = TypeVar("S", bound=Section)


@dataclass(frozen=True)
class Drafts:
    """The products as far as they could be read, and what could not."""

    disaster_recovery: DisasterRecovery | None
    start_stop: StartStop | None
    wrong: list[Finding]


class _Reader:
    """Reads section after section and remembers what was wrong."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.wrong: list[Finding] = []

    def read(self, section: type[S], needed_for: str, *, side: str = "", environment: str = "") -> S:
        found, wrong = read_section(section, self.sources, needed_for=needed_for, side=side, suffix=environment)
        self.wrong += wrong
        return found


def read_drafts(sources: Sources) -> Drafts:
    """Read what is deployed; what both products need is read once."""
    reader = _Reader(sources)
    recovery = _reason(sources, Product.RECOVERY)
    start_stop = _reason(sources, Product.START_STOP)
    reason = recovery or start_stop
    if not reason:
        return Drafts(None, None, [])
    dr = _recovery_sections(reader, recovery) if recovery else None
    plan = _start_stop_sections(reader, start_stop) if start_stop else None
    common, engine, deadlines = (
        reader.read(Common, reason),
        reader.read(Engine, reason),
        reader.read(Deadlines, reason),
    )
    return Drafts(
        DisasterRecovery(*dr, common, engine, deadlines) if dr else None,
        StartStop(*plan, common, engine, deadlines) if plan else None,
        reader.wrong,
    )


def _reason(sources: Sources, product: Product) -> str:
    """Why a product is deployed, in words; empty: it is not."""
    own = deploying(product)
    first = next((name for name in sources.names() if base_and_environment(name)[0] in own), "")
    return f"{product.value}, deployed because {first} is set" if first else ""


def _recovery_sections(
    reader: _Reader, reason: str
) -> tuple[sections.Deployment, sections.Primary, sections.Secondary, sections.HealthCheck, sections.Recovery]:
    return (
        reader.read(sections.Deployment, reason),
        reader.read(sections.Primary, reason, side="PRIMARY"),
        reader.read(sections.Secondary, reason, side="SECONDARY"),
        reader.read(sections.HealthCheck, reason),
        reader.read(sections.Recovery, reason),
    )


def _start_stop_sections(
    reader: _Reader, reason: str
) -> tuple[start_stop_sections.Schedules, tuple[start_stop_sections.Environment, ...]]:
    schedules = reader.read(start_stop_sections.Schedules, reason)
    try:
        names = schedules.environments or ("",)
    except UnreadableError:
        names = ()
    environment = start_stop_sections.Environment
    return schedules, tuple(reader.read(environment, reason, environment=name) for name in names)
