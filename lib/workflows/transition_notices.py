"""What people are told by a stop or a start itself, whatever the notifications are about."""

from __future__ import annotations

from lib.workflows import notices
from lib.workflows.story import Part
from lib.workflows.tasks import Tasks
from lib.workflows.transition_parts import TransitionParts

PUBLISHED = "$.published"
"""Not `$.told`: that is what an execution which has succeeded leaves to be told."""


class TransitionNotices:
    """One method for each notification; `what` is stop or start."""

    def __init__(self, tasks: Tasks, parts: TransitionParts, what: str) -> None:
        self._tasks = tasks
        self._name = parts.target.name
        self._environment = f"{self._name} in {parts.arns.region}"
        self._what = what

    def the_decision(self, outcome: str) -> Part:
        """Why it acts or does not, where a person should know."""
        return self._tell(
            f"Notify that the {self._what} is {outcome}",
            f"The {self._what} of {self._name} is {outcome}",
            f"The {self._what} of the environment {self._environment} is {outcome}: {{}}",
            "$.decision.reason",
        )

    def another_is_running(self) -> Part:
        """Of stop and start one is done at a time."""
        return self._tell(
            "Notify that another transition is running",
            f"No {self._what} of {self._name}: another transition is running",
            f"The {self._what} of the environment {self._environment} is left out: {{}}",
            "$.lease.reason",
        )

    def it_is_busy(self) -> Part:
        """A stop is skipped, and the DAGs are as they were."""
        return self._tell(
            "Notify that the environment is busy",
            f"{self._name} is busy and was not stopped",
            f"The environment {self._environment} was not stopped: {{}} runs go on, among them those of {{}}. Its DAGs "
            "are active as before. To stop it all the same, start the state machine with when_busy set to FORCE.",
            "$.rest.runs",
            "$.rest.busy",
        )

    def it_is_there_already(self) -> Part:
        """Nothing is restored into an environment that works."""
        return self._tell(
            "Notify that the environment is there already",
            f"{self._name} is there already",
            f"The environment {self._environment} is there already, it was not begun by a start. Nothing was restored.",
        )

    def the_dags_are_active_again(self) -> Part:
        """A stop has failed, and the environment goes on."""
        return self._tell(
            "Notify that the DAGs are active again",
            f"{self._name} was not stopped, its DAGs are active again",
            f"The environment {self._environment} was not stopped, and {{}} DAGs that the stop had paused are active "
            "again. DAGs that are gone meanwhile: {}. To stop it, start a new execution of the stop.",
            "$.resumed.activated",
            "$.resumed.missing",
        )

    def endpoints_are_needed(self) -> Part:
        """MWAA waits for endpoints that it does not make itself."""
        return notices.endpoints_are_needed(self._tasks, self._name, self._environment, self._what)

    def _tell(self, name: str, subject: str, message: str, *paths: str) -> Part:
        return notices.told(self._tasks, name, subject, message, *paths, result_path=PUBLISHED)
