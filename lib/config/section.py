"""Sections of the configuration: frozen values, each declared once with its variable, its default and its meaning."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from lib.config.findings import Finding, finding
from lib.config.kinds import Kind
from lib.config.sources import Origin, Sources

T = TypeVar("T")
S = TypeVar("S", bound="Section")


class UnreadableError(AttributeError):
    """A value that could not be read was asked for: what depends on it cannot be checked."""


@dataclass(frozen=True)
class Variable(Generic[T]):
    """One environment variable."""

    name: str
    """`{side}` stands for PRIMARY or SECONDARY."""
    kind: Kind[T]
    meaning: str
    default: str | None
    """As it would be written; None: it is required."""
    example: str
    default_in_words: str

    @property
    def is_required(self) -> bool:
        """Whether it has to be set where its section is deployed."""
        return self.default is None


def variable(
    name: str, kind: Kind[T], meaning: str, *, default: str | None = None, example: str = "", default_in_words: str = ""
) -> T:
    """Declare a field of a section, and the variable that it comes from."""
    declared = Variable(name, kind, meaning, default, example or default or "", default_in_words)
    return cast(T, dataclasses.field(metadata={"variable": declared}))


@dataclass(frozen=True)
class Given:
    """What a field came from."""

    variable: str
    text: str | None
    """None: nothing was set, and there is no default."""
    origin: Origin | None
    """None: the default."""
    is_secret: bool = False


@dataclass(frozen=True)
class Section:
    """Values that belong together. While a configuration is checked, what could not be read is absent."""

    given: Mapping[str, Given] = dataclasses.field(repr=False, compare=False)

    if not TYPE_CHECKING:  # mypy still knows every field

        def __getattr__(self, name: str) -> object:
            """Only asked for what is absent."""
            raise UnreadableError(name)

    def finding(self, field: str, words: str) -> Finding:
        """A finding about one of the fields."""
        given = self.given[field]
        return finding(given.variable, given.text, words, is_default=given.origin is None, is_secret=given.is_secret)

    def name_of(self, field: str) -> str:
        """The variable that a field came from."""
        return self.given[field].variable


def declared(section: type[Section]) -> dict[str, Variable[Any]]:
    """Field -> its variable, in the order of their declaration."""
    found = {field.name: field.metadata.get("variable") for field in dataclasses.fields(section)}
    return {name: variable for name, variable in found.items() if variable}


def read_section(
    section: type[S], sources: Sources, *, needed_for: str, side: str = "", suffix: str = ""
) -> tuple[S, list[Finding]]:
    """The section with all that can be read, and a finding for each value that cannot.

    With a suffix, `NAME__SUFFIX` comes before `NAME`.
    """
    values: dict[str, object] = {}
    given: dict[str, Given] = {}
    wrong: list[Finding] = []
    for field, row in declared(section).items():
        given[field] = given_for(row, sources, side=side, suffix=suffix)
        try:
            values[field] = _read(row, given[field])
        except ValueError as err:
            detail = f" ({err})" if str(err) else ""
            needed = f"; needed for {needed_for}" if given[field].text is None else ""
            wrong.append(_wrong(given[field], f"allowed: {row.kind.allowed}{detail}{needed}"))
    made = object.__new__(section)
    for name, value in {"given": MappingProxyType(given), **values}.items():
        object.__setattr__(made, name, value)
    return made, wrong


def given_for(row: Variable[Any], sources: Sources, *, side: str = "", suffix: str = "") -> Given:
    """What one variable is set to, or its default."""
    name = row.name.format(side=side)
    for candidate in ([f"{name}__{suffix}"] if suffix else []) + [name]:
        if text := sources.find(candidate):
            return Given(candidate, text.text, text.origin, row.kind.is_secret)
    return Given(name, row.default, None, row.kind.is_secret)


def _read(row: Variable[T], given: Given) -> T:
    if given.text is None:
        raise ValueError
    return row.kind.read(given.text)


def _wrong(given: Given, words: str) -> Finding:
    return finding(given.variable, given.text, words, is_secret=given.is_secret)
