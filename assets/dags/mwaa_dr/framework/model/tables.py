"""The tables of one Airflow version: those that are carried, in order, and the others with the reason."""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mwaa_dr.framework.errors import TableError
from mwaa_dr.framework.model.table import Table


@dataclass(frozen=True)
class Tables:
    """Carried tables by name and skipped ones by reason; every change returns a new collection."""

    carried: Mapping[str, Table] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Table]:
        """Yield the carried tables so that each comes after all that it depends on."""
        done: set[str] = set()
        waiting = dict(self.carried)
        while waiting:
            ready = [t for t in waiting.values() if not (t.depends_on & waiting.keys())]
            if not ready:
                raise TableError(f"tables depend on each other in a circle: {', '.join(sorted(waiting))}")
            for table in ready:
                done.add(table.name)
                del waiting[table.name]
                yield table

    def __contains__(self, name: object) -> bool:
        return name in self.carried

    def __getitem__(self, name: str) -> Table:
        return self.carried[name]

    def __len__(self) -> int:
        return len(self.carried)

    @property
    def names(self) -> frozenset[str]:
        """The names of the carried tables."""
        return frozenset(self.carried)

    def add(self, *tables: Table) -> Tables:
        """Carry these too; a table of the same name is replaced."""
        carried = {**self.carried, **{table.name: table for table in tables}}
        skipped = {name: why for name, why in self.skipped.items() if name not in carried}
        return Tables(carried, skipped)

    def change(self, name: str, **changes: Any) -> Tables:
        """Carry `name` with some of its fields changed; mappings are merged into what was there."""
        table = self.carried[name]
        merged: dict[str, Any] = {
            key: {**getattr(table, key), **value} if isinstance(value, Mapping) else value
            for key, value in changes.items()
        }
        return self.add(dataclasses.replace(table, **merged))

    def skip(self, **reasons: str) -> Tables:
        """Do not carry these, each with the reason."""
        carried = {name: table for name, table in self.carried.items() if name not in reasons}
        return Tables(carried, {**self.skipped, **reasons})

    def forget(self, *names: str) -> Tables:
        """Neither carry these nor skip them: this Airflow has no such tables."""
        return Tables(
            {name: table for name, table in self.carried.items() if name not in names},
            {name: why for name, why in self.skipped.items() if name not in names},
        )

    def present(self, names: Container[str]) -> Tables:
        """Without the optional tables that are not among those of the live database."""
        absent = {table.name for table in self.carried.values() if table.optional and table.name not in names}
        tables = self.forget(*absent)
        for table in tables.carried.values():
            kept = tuple(reference for reference in table.references if reference.table not in absent)
            tables = tables.add(dataclasses.replace(table, references=kept))
        return tables

    def only(self, names: Iterable[str]) -> Tables:
        """Carry only these; raise TableError for a name that is no table of this version."""
        chosen = list(names)
        for name in chosen:
            if name in self.skipped:
                raise TableError(f"table '{name}' cannot be carried: {self.skipped[name]}")
            if name not in self.carried:
                raise TableError(f"unknown table '{name}'", f"This version carries {', '.join(sorted(self.carried))}.")
        left_out = {name: "left out by choice" for name in self.carried if name not in chosen}
        return self.skip(**left_out)

    def closed(self) -> tuple[Tables, list[str]]:
        """Drop what depends on a table that is not carried; return what is left and the reasons in words."""
        tables = self
        notes: list[str] = []
        while True:
            lost = {
                table.name: sorted(table.needs - tables.names)
                for table in tables.carried.values()
                if table.needs - tables.names
            }
            if not lost:
                return tables, notes
            for name, missing in sorted(lost.items()):
                notes.append(f"table '{name}' is left out, since it needs {', '.join(missing)}")
            tables = tables.skip(**{name: f"needs {', '.join(missing)}" for name, missing in lost.items()})
