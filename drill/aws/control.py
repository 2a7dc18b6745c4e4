"""The hands on the simulator: faults, MWAA environments, replication, recorded calls."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from drill.aws.errors import LocalAwsError


class Silence(str, Enum):
    """How a silenced service answers, if at all."""

    REFUSE = "refuse"  # the connection is closed without a word
    TIMEOUT = "timeout"  # nothing is answered until the caller gives up
    ERROR = "error"  # 503 ServiceUnavailable
    DENY = "deny"  # 403 AccessDenied
    THROTTLE = "throttle"  # 429 ThrottlingException, S3's 503 SlowDown


@dataclass(frozen=True)
class Call:
    """One request that reached the local AWS."""

    caller: str  # the ARN of the role session, or of the account's root
    service: str  # the prefix of IAM: airflow, s3, states
    action: str  # as a policy names it: s3:PutObject
    resource: str
    region: str  # the Region it was signed for
    status: int  # 0 when the connection was closed or nothing was answered
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def role(self) -> str:
        """The name of the role that signed, empty for others."""
        return self.caller.split("/")[1] if ":assumed-role/" in self.caller else ""


@dataclass(frozen=True)
class Message:
    """What was published to a topic, whoever was subscribed."""

    topic: str  # its ARN
    subject: str
    message: str
    region: str


@dataclass(frozen=True)
class Environment:
    """An MWAA environment, as MWAA keeps it."""

    region: str
    name: str
    fields: dict[str, Any]
    """As GetEnvironment names them."""
    wanted: dict[str, Any]
    """What an update that has not ended will change."""

    @property
    def status(self) -> str:
        """Its status."""
        return str(self.fields["Status"])


class Control:
    """Calls of the simulator's own door, which no AWS client knows."""

    def __init__(self, url: str) -> None:
        self._url = url

    def post(self, path: str, **body: Any) -> Any:
        """What the door answers; raises LocalAwsError with its words when it refuses."""
        request = urllib.request.Request(
            f"{self._url}/_drill/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise LocalAwsError(f"the local AWS refused {path}: {error.read().decode(errors='replace')}") from error
        except OSError as error:
            raise LocalAwsError(f"the local AWS does not answer {path}: {error}") from error

    def calls(self) -> list[Call]:
        """Every call since the start, the last reset or `forget_calls`, oldest first."""
        return [Call(**call) for call in self.post("calls")]

    def messages(self) -> list[Message]:
        """Everything that was published since the start or the last reset, oldest first."""
        return [Message(**message) for message in self.post("messages")]


class Mwaa:
    """What a test decides about MWAA environments."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def web_server(self, region: str, name: str, url: str) -> None:
        """Forward CLI commands and REST calls of an environment, now or once it exists, to a web server."""
        self._control.post("mwaa/web-server", region=region, name=name, url=url)

    def pace(self, *, create: float = 2, update: float = 1, delete: float = 1) -> None:
        """How many seconds creating, updating and deleting take from now on."""
        self._control.post("mwaa/pace", create=create, update=update, delete=delete)

    def finish(self, region: str, name: str) -> None:
        """End the creation, update or deletion that an environment is in, whatever the pace."""
        self._control.post("mwaa/finish", region=region, name=name)

    def environments(self) -> list[Environment]:
        """Every environment that there is, also in a silent Region."""
        return [Environment(**found) for found in self._control.post("mwaa/all")]

    def tokens(self) -> list[str]:
        """Every token that CreateCliToken or CreateWebLoginToken has given, the expired ones too."""
        return [str(token) for token in self._control.post("mwaa/tokens")]

    def fail_creation(
        self, region: str, name: str, *, code: str = "INCORRECT_CONFIGURATION", message: str = ""
    ) -> None:
        """The next creation ends in CREATE_FAILED with this error in LastUpdate."""
        self._control.post("mwaa/creation", region=region, name=name, end="CREATE_FAILED", code=code, message=message)

    def never_create(self, region: str, name: str) -> None:
        """The next creation stays in CREATING."""
        self._control.post("mwaa/creation", region=region, name=name, end="")

    def status(self, region: str, name: str, status: str) -> None:
        """Put an environment that exists into a status, until something changes it."""
        self._control.post("mwaa/status", region=region, name=name, status=status)

    def age(self, region: str, name: str, days: float) -> None:
        """Let an environment have been created so many days earlier."""
        self._control.post("mwaa/age", region=region, name=name, days=days)


class Batch:
    """What a test decides about jobs of S3 Batch Operations."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def pace(self, seconds: float) -> None:
        """How many seconds a job is Preparing, and then Active."""
        self._control.post("batch/pace", seconds=seconds)

    def fail(self, *, code: str = "ManifestNotFound", reason: str = "made to fail") -> None:
        """The next job ends as Failed with this reason."""
        self._control.post("batch/fail", code=code, reason=reason)


class Faults:
    """Regions, services and buckets that do not answer; it holds for every caller, Lambdas and workflows too."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def silence(
        self,
        region: str,
        services: Sequence[str] = (),
        how: Silence | str = Silence.REFUSE,
        *,
        at: str = "",
        during: str = "",
    ) -> None:
        """Every call signed for a Region, or only those to services by their IAM prefix or signing name.

        `at` a state it begins when a workflow comes to that state, `during` a state it ends with it, too.
        """
        asked = {"region": region, "services": list(services), "how": Silence(how).value, "at": at, "during": during}
        self._control.post("faults/silence", **asked)

    def delay(self, state: str) -> None:
        """What a state of a workflow waits for comes after its time-out: all is done, and the state fails."""
        self._control.post("faults/delay", state=state)

    def silence_bucket(self, name: str, how: Silence | str = Silence.REFUSE) -> None:
        """Every call to a bucket, whatever Region signs it: the simulator's buckets share one name space."""
        self._control.post("faults/silence-bucket", bucket=name, how=Silence(how).value)

    def heal(self) -> None:
        """Everything answers again."""
        self._control.post("faults/heal")
