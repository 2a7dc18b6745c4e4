"""What is inside MWAA's environments: for each one that the local AWS holds, a real Airflow on its own PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

from drill.aws import LocalAws
from drill.aws.control import Environment
from drill.containers import Containers, Guest, Place
from drill.venvs import DrillError

LOOK_SECONDS = 0.5
HOURS = 10.0**6
"""Seconds that no change takes: it ends when the Airflow has done it."""


class Environments:
    """Creates, updates and deletes real Airflows as the local AWS's MWAA says; all of them end with the block."""

    def __init__(self, aws: LocalAws, venv: Path, folder: Path, settings: Mapping[str, str], guest: Guest) -> None:
        self._aws = aws
        self._venv = venv
        self._folder = folder
        self._settings, self._guest = settings, guest
        self._alive: dict[Place, Containers] = {}
        self._number = 0
        self._lost: set[Place] = set()
        self._ended = threading.Event()
        self._trouble: list[BaseException] = []
        self._watcher = threading.Thread(target=self._live, name="environments", daemon=True)

    def __enter__(self) -> Environments:
        self._aws.mwaa.pace(create=HOURS, update=HOURS, delete=HOURS)
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._watcher.join()
        for one in self._alive.values():
            one.begin_to_end()
        for one in self._alive.values():
            one.end()

    def containers(self, place: Place) -> Containers:
        """What is inside an environment; raises what went wrong in any of them."""
        self.check()
        if place not in self._alive:
            raise DrillError(f"environment {place.name} in {place.region} has no Airflow")
        return self._alive[place]

    def check(self) -> None:
        """Raise what went wrong in an environment since it was created."""
        troubles = [*self._trouble, *(one.trouble for one in self._alive.values() if one.trouble)]
        if troubles:
            raise troubles[0]

    def lose(self, place: Place) -> None:
        """Kill every process of an environment at once, its database too; nothing brings it up again."""
        self._lost.add(place)
        self.containers(place).end()

    def _live(self) -> None:
        try:
            self._watch()
        except Exception as error:  # noqa: BLE001 - the story, in another thread, raises it
            self._trouble.append(error)

    def _watch(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            found = {Place(one.region, one.name): one for one in self._aws.mwaa.environments()}
            self._follow(found)

    def _follow(self, found: Mapping[Place, Environment]) -> None:
        for place, environment in found.items():
            if environment.status == "DELETING":
                self._delete(place)
            elif place not in self._alive and environment.status == "CREATING":
                self._create(place, environment)
            elif place in self._alive and place not in self._lost:
                self._alive[place].follow(environment)

    def _delete(self, place: Place) -> None:
        """MWAA says that it is gone when it is."""
        if place in self._alive:
            self._guest.leaving(self._alive[place])
            self._alive.pop(place).end()
        self._aws.mwaa.finish(place.region, place.name)

    def _create(self, place: Place, environment: Environment) -> None:
        self._number += 1
        folder = self._folder / f"{self._number}-{place.name}"
        containers = Containers(self._aws, self._venv, folder, environment, self._settings)
        self._alive[place] = containers
        containers.begin(self._guest)
