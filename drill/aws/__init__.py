"""A local AWS that tests and rehearsals start themselves: no account, no Docker, nothing real is ever called."""

from drill.aws.control import Mwaa
from drill.aws.errors import LocalAwsError
from drill.aws.local_aws import LocalAws

__all__ = ["LocalAws", "LocalAwsError", "Mwaa"]
