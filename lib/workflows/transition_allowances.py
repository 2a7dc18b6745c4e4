"""What the functions of a stop and a start are allowed for one environment: the least that their calls need."""

from __future__ import annotations

from lib.constructs.function import Function
from lib.functions.note_key import note_folder
from lib.workflows.allowances import CLEAR_RECORDS, WRITE_RECORDS
from lib.workflows.environment_allowances import ENCRYPT, EnvironmentAllowances
from lib.workflows.transition_parts import TransitionParts

MACHINES = ("stop", "start", "reactivate")


class TransitionAllowances:
    """One method for each kind of step."""

    def __init__(self, parts: TransitionParts, environment: EnvironmentAllowances) -> None:
        self._parts = parts
        self._environment = environment

    def decide(self, function: Function) -> None:
        """Read and write what people want for a while, see where the environment runs, and ask the calendar."""
        function.allow(*WRITE_RECORDS, on=self._parts.records.table_arn)
        if also := self._parts.also:
            function.allow("dynamodb:GetItem", on=also.arn)
        if calendar := self._parts.environment.change_calendar:
            arn = calendar if ":" in calendar else self._parts.arns.of("ssm", f"document/{calendar}")
            function.allow("ssm:GetCalendarState", on=arn)

    def hold_the_lease(self, function: Function) -> None:
        """Take and give back, and see whether the execution that holds the lease still runs; and what was stopped."""
        parts = self._parts
        function.allow(*CLEAR_RECORDS, on=parts.records.table_arn)
        machines = [parts.arns.executions(parts.machine(what)) for what in MACHINES]
        reason = "any execution of these workflows may hold the lease"
        function.allow("states:DescribeExecution", on=machines, because=reason)

    def record_the_stop(self, function: Function) -> None:
        """Write and forget that it is stopped on purpose, for disaster recovery, too, beside its note."""
        self.end_the_note(function)
        if also := self._parts.also:
            function.allow(*CLEAR_RECORDS, on=also.arn)

    def look_back(self, function: Function) -> None:
        """Compare the records with the environment that is there."""
        self.hold_the_lease(function)
        self._environment.look(function)

    def verify(self, function: Function) -> None:
        """Read a backup whole, the blueprint, and which versions of files there are."""
        self._environment.look(function)
        self._environment.read_backups(function)
        self._environment.look_at_versions(function)

    def end_the_note(self, function: Function) -> None:
        """Say that a note is over, and give the lease back."""
        self.hold_the_lease(function)
        self.note(function)

    def note(self, function: Function) -> None:
        """Read and write the note of the DAGs that were active."""
        parts, backups = self._parts, self._parts.backups
        # Who may not list a bucket is told 403 instead of 404.
        function.allow("s3:ListBucket", on=backups.bucket.bucket_arn)
        notes = f"{note_folder(parts.target.name, parts.arns.region)}*"
        reason = "the notes of one environment"
        function.allow("s3:GetObject", "s3:PutObject", on=backups.bucket.arn_for_objects(notes), because=reason)
        function.allow(*ENCRYPT, on=backups.key.key_arn)

    def store_the_blueprint(self, function: Function) -> None:
        """Look at the environment; compare and write one object."""
        self._environment.write_blueprint(function, of=self._parts.target.arn)

    def look_before_a_start(self, function: Function) -> None:
        """Read the backups, and look at what the environment is created from."""
        self._environment.read_backups(function)
        self._environment.look_before_creation(function)
