"""One table of the metadata database: which rows are kept, and how they meet the rows that are there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Merge(str, Enum):
    """How a restore brings the rows of a table into a database that has rows of its own."""

    RUN = "run"
    """DAG runs: the unit of merging, absent ones inserted, finished ones replaced, unfinished ones kept."""

    RUN_CHILD = "run_child"
    """Rows that belong to one run and share its fate."""

    MATCH = "match"
    """Rows paired with equal rows of the target, by `key`, or by all columns but the surrogate key."""

    VERSION = "version"
    """Versions of DAGs: paired by what their serialized DAGs say, numbered below the target's current one."""

    DAGS = "dags"
    """Which DAGs are active; a stub for each DAG that the target has not parsed yet."""


class Existing(str, Enum):
    """What becomes of a row of the target that a row of the backup is paired with."""

    KEEP = "keep"
    REPLACE = "replace"
    STRATEGY = "strategy"
    """As the caller says: `APPEND` keeps, `REPLACE` replaces, `DO_NOTHING` leaves the whole table alone."""


class Missing(str, Enum):
    """What becomes of a row whose reference points at a row that is not carried."""

    NULL = "null"
    DROP = "drop"


@dataclass(frozen=True)
class Reference:
    """A column that holds the surrogate key of another table, with or without a foreign key.

    Where that table has none (`dag`) the column holds its natural key, which stays as it is.
    """

    column: str
    table: str
    missing: Missing = Missing.NULL
    inserted_only: bool = False
    """Keep the row only where the restore itself inserted the row that it points at."""
    is_text: bool = False
    """The key is written as text, among names that are no keys of that table and stay as they are."""


@dataclass(frozen=True)
class Table:
    """A table that is carried, as data; its columns are read from the live catalogue.

    SQL in these fields is written against the bare column names of the table and may use the
    placeholder `%(ours)s`, an array of the ids of this package's own DAGs.
    """

    name: str
    merge: Merge
    key: tuple[str, ...] = ()
    """`MATCH`: the natural key, compared null-safe; empty: all columns but the surrogate key (a multiset)."""
    other_keys: tuple[tuple[str, ...], ...] = ()
    """Further unique keys, of columns or SQL expressions on them: a row that meets one of the target by any
    of them is paired with it, since inserting it would fail."""
    surrogate: str = ""
    """The column fed by a sequence, or with a UUID that may be given anew; empty where the table has none."""
    is_uuid: bool = False
    """The surrogate key is a UUID: taken in the target only by a row that was restored before and changed since."""
    run: tuple[str, ...] = ()
    """`RUN_CHILD`: `("dag_id", "run_id")`, or the one column that holds the key of the run, or of `parent`."""
    parent: str = "dag_run"
    """`RUN_CHILD`: the table that a foreign key ties these rows to: `dag_run`, or one that names its run."""
    parent_key: str = ""
    """`RUN_CHILD`: the column of `parent` whose value `run` holds, where the row does not name its run itself."""
    run_surrogate: str = ""
    """`RUN_CHILD`: a column that repeats the run's surrogate key beside `run`."""
    references: tuple[Reference, ...] = ()
    where: str = ""
    """Which rows are worth keeping; empty: all."""
    redact: Mapping[str, str] = field(default_factory=dict)
    """Column -> condition under which its value is left out (NULL) of the backup."""
    fixed: Mapping[str, str] = field(default_factory=dict)
    """Column -> SQL value that a restore writes whatever the backup holds."""
    added: Mapping[str, str] = field(default_factory=dict)
    """Column -> SQL value for rows from an Airflow that did not have it (NOT NULL without default)."""
    filled: Mapping[str, str] = field(default_factory=dict)
    """Column -> SQL value for a NULL from an Airflow that allowed it."""
    gone: tuple[str, ...] = ()
    """Columns of an older Airflow that this one lacks: a backup that has a value there is refused."""
    optional: bool = False
    """Made by an auth manager that need not be installed: carried where it is there."""
    existing: Existing = Existing.KEEP
    within: str = ""
    """A timestamp column: rows of the target outside the backup's time range need not be compared."""
    below_highest: bool = False
    """New surrogate keys go below the target's highest, which Airflow takes as the current one."""
    emptied: str = ""
    """Condition of the rows that cleanup removes; empty: none (rows that belong to runs go with their run)."""
    superseded: str = ""
    """Condition, on a staged row `s`, of rows that the target has left behind since."""
    environment_bound: str = ""
    """Condition of the rows that are restored only into the environment that they came from."""
    secrets: tuple[str, ...] = ()
    """Columns encrypted with the Fernet key, each with the flag that says so: `("val:is_encrypted",)`."""
    confidential: bool = False
    """The file is encrypted with the KMS keys when there are any."""

    @property
    def whole(self) -> str:
        """Why an increment holds all rows of it; empty: what is stored of a row follows from that row alone."""
        if self.secrets or self.confidential:
            return "its file is bound to one backup"
        if self.merge is Merge.DAGS:
            return "a stop may say which are active"
        if "SELECT" in f"{self.where} {' '.join(self.redact.values())}":
            return "other tables decide which rows are kept"
        return ""

    @property
    def depends_on(self) -> frozenset[str]:
        """The tables that must be restored before this one."""
        run = {"dag_run", self.parent} if self.merge is Merge.RUN_CHILD else set()
        return frozenset({reference.table for reference in self.references} | run) - {self.name}

    @property
    def needs(self) -> frozenset[str]:
        """The tables without which the rows of this one mean nothing."""
        run = {"dag_run", self.parent} if self.merge is Merge.RUN_CHILD else set()
        needed = {r.table for r in self.references if r.missing is Missing.DROP or r.inserted_only}
        return frozenset(needed | run) - {self.name}
