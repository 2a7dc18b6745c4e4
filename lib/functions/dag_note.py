"""The note of a stop: which DAGs were active, until they are again, or the environment has gone for good.

An object at one place for each environment, so that whoever comes next finds it: the end of a stop that failed, or the
next stop. Not a record, since a function inside a VPC may reach nothing but Airflow and S3.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from lib.functions import clock
from lib.functions.airflow_client import DagRun
from lib.functions.aws import client
from lib.functions.blueprint import Shelf, stored
from lib.functions.calls import calling
from lib.functions.errors import Misconfigured, StillBusy
from lib.functions.mwaa import Place
from lib.functions.note_key import note_key


@dataclass(frozen=True)
class Note:
    """What was noted."""

    active: tuple[str, ...]
    """The DAGs that were active; the engine reads this member and `ended_at`, too."""
    standing: tuple[DagRun, ...] = ()
    """Unfinished runs that the stop does not wait for."""
    execution: str = ""
    noted_at: str = ""
    ended_at: str = ""
    """When nobody needed it any more; empty: it is unfinished."""

    def joined(self, active: Iterable[str]) -> Note:
        """With more DAGs that are active."""
        return replace(self, active=tuple(sorted({*self.active, *active})))


@dataclass(frozen=True)
class NoteBook:
    """Where the note of an environment is kept."""

    shelf: Shelf
    created_at: str = ""
    """When the environment was created; empty: it is not known."""

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> NoteBook:
        """That of `environment`, which may be known to be `created_at`, in `bucket` of `bucket_region`."""
        place = Place.of(event["environment"])
        key = note_key(place.name, place.region)
        return cls(Shelf(event["bucket"], key, event["bucket_region"]), event.get("created_at", ""))

    def read(self) -> Note | None:
        """The note, ended or not; None: there was never one."""
        with calling(f"read {self.shelf.url}"):
            data = stored(client("s3", self.shelf.region), self.shelf)
        return None if data is None else self._parsed(data)

    def unfinished(self) -> Note | None:
        """The note that somebody still needs: what was active before the environment was created anew says nothing."""
        note = self.read()
        return note if note and not note.ended_at and not self._is_of_another_life(note) else None

    def write(self, note: Note) -> None:
        """Keep it."""
        body = json.dumps(asdict(note), indent=1).encode()
        s3 = client("s3", self.shelf.region)
        with calling(f"write {self.shelf.url}"):
            s3.put_object(Bucket=self.shelf.bucket, Key=self.shelf.key, Body=body, ContentType="application/json")

    def end(self) -> bool:
        """Say that nobody needs it any more; False where it was so. It stays, for people to read."""
        note = self.unfinished()
        if note:
            self.write(replace(note, ended_at=clock.text(clock.now())))
        return note is not None

    def _is_of_another_life(self, note: Note) -> bool:
        known = self.created_at and note.noted_at
        return bool(known) and clock.moment(note.noted_at) < clock.moment(self.created_at)

    def _parsed(self, data: bytes) -> Note:
        try:
            raw = json.loads(data)
            standing = tuple(DagRun(**run) for run in raw.pop("standing"))
            return Note(**{**raw, "active": tuple(raw["active"])}, standing=standing)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            hint = "HINT: Make the DAGs active that should be, then delete it."
            raise Misconfigured(f"{self.shelf.url} is no note of a stop ({type(error).__name__}). {hint}") from error


def require_unfinished(event: Mapping[str, Any]) -> None:
    """Raise StillBusy where the DAGs of the environment have been made active again."""
    if NoteBook.of(event).unfinished() is None:
        name = event["environment"]["name"]
        raise StillBusy(f"the DAGs of {name} are active again, it is not deleted. HINT: Start a new execution.")
