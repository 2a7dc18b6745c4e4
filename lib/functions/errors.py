"""The errors that state machines retry and catch by the names of these classes; each message is one clear line."""

# ruff: noqa: N818 - the names are read by people, in execution histories


class FunctionError(Exception):
    """What a function raises on purpose."""


class Unhealthy(FunctionError):
    """The primary environment has failed."""


class Unknown(FunctionError):
    """Nobody can tell how the primary environment is: our own trouble."""


class PreflightFailed(FunctionError):
    """A recovery or a stop would not succeed; nothing has been changed."""


class BlueprintMissing(FunctionError):
    """What is needed to create the environment is not there, or cannot be read."""


class EnvironmentBroken(FunctionError):
    """The environment is in a state that does not end by waiting."""


class DeadlinePassed(FunctionError):
    """A wait has taken longer than it may."""


class NotReady(FunctionError):
    """What is waited for is not there yet: ask again."""


class AirflowRefused(FunctionError):
    """Airflow does not do what it was asked for (4xx): asking again does not help."""


class AirflowUnavailable(FunctionError):
    """Airflow did not answer, or with a fault of its own (5xx): ask again."""


class NotReachable(FunctionError):
    """There is no way to a private web server: the function's subnets have neither a NAT nor the endpoint."""


class Misconfigured(FunctionError):
    """Something is denied or has another name than we were told: a person has to change it."""


class StillBusy(FunctionError):
    """Something has run since the backup, or can: to delete the environment would lose it."""


class NotRestored(FunctionError):
    """A start has created the environment and has not restored it: there is nothing in it to back up."""


class NotApproved(FunctionError):
    """Nobody approved the recovery in time."""


class LeaseLost(FunctionError):
    """Another execution has acted since: this one must not go on."""


class LeaseUnchecked(FunctionError):
    """The execution was redriven: before it changes anything, it looks whether it still holds the lease."""
