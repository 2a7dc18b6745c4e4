"""LocalAws: start the simulator, talk to it with boto3 and the CDK command line, break it, stop it."""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from drill.aws import hosts
from drill.aws.cdk import Cdk
from drill.aws.control import Batch, Call, Control, Faults, Message, Mwaa, Silence
from drill.aws.errors import LocalAwsError
from drill.aws.process import SimulatorProcess

ACCOUNT = "000000000000"
REGIONS = ("us-east-1", "us-west-2")
CONFIG = Config(inject_host_prefix=False, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})

_creating = threading.Lock()  # boto3: sessions are not thread-safe, clients are


class LocalAws:
    """A running local AWS; everything that it writes is below its folder."""

    def __init__(self, process: SimulatorProcess, regions: Sequence[str], account: str) -> None:
        require_local(process.url)
        self.url = process.url
        self.log = process.log
        self.regions = tuple(regions)
        self.account = account
        self.control = Control(self.url)
        self.mwaa = Mwaa(self.control)
        self.batch = Batch(self.control)
        self._faults = Faults(self.control)
        self._process = process
        self._cdk = Cdk(process.folder / "cdk")

    @classmethod
    @contextlib.contextmanager
    def start(
        cls,
        folder: Path,
        regions: Sequence[str] = REGIONS,
        *,
        wait_scale: float = 0,
        timeout_scale: float = 1,
        auth: bool = False,
        account: str = ACCOUNT,
    ) -> Iterator[LocalAws]:
        """Run the simulator as long as the block.

        `wait_scale` shortens Wait states and the pauses between retries of a workflow, `timeout_scale` its time-outs
        and heartbeats. `auth` enforces IAM for Lambdas and state machines as AWS does; our own clients are root.
        """
        folder.mkdir(parents=True, exist_ok=True)
        settings = {
            "SFN_WAIT_SCALE": str(wait_scale),
            "DRILL_TIMEOUT_SCALE": str(timeout_scale),
            "AUTH": "true" if auth else "false",
            "MINISTACK_ACCOUNT_ID": account,
            "MINISTACK_REGION": regions[0],
        }
        process = SimulatorProcess(folder.resolve(), settings)
        try:
            process.start()
            yield cls(process, regions, account)
        finally:
            process.stop()

    def client(self, service: str, region: str = "", *, user: tuple[str, str] = ("test", "test")) -> Any:
        """A boto3 client of the simulator, in the first Region unless told; `user` is an access key and its secret."""
        if not self._process.is_running:
            raise LocalAwsError("the local AWS has stopped", "Use the client inside the `with` block.")
        with _creating:
            client = _session().client(  # type: ignore[call-overload]  # any service, by its name
                service,
                region_name=region or self.regions[0],
                endpoint_url=self.url,
                aws_access_key_id=user[0],
                aws_secret_access_key=user[1],
                config=CONFIG,
            )
        client.meta.events.register(hosts.EVENT, hosts.without_account)
        return client

    def environment(self, region: str = "") -> dict[str, str]:
        """The environment of a child process that shall see this AWS and no other one."""
        region = region or self.regions[0]
        nothing = str(self._process.folder / "no-aws-configuration")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_"))}
        return kept | {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": nothing,
            "AWS_SHARED_CREDENTIALS_FILE": nothing,
            "CDK_HOME": str(self._process.folder / "cdk" / "home"),
        }

    def bootstrap(self) -> None:
        """`cdk bootstrap` all Regions."""
        places = [f"aws://{self.account}/{region}" for region in self.regions]
        self._cdk.run(["bootstrap", *places], self._local_environment({}), with_app=False)

    def deploy(
        self,
        *stacks: str,
        app: str | Path = "",
        options: Sequence[str] = (),
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """`cdk deploy` stacks, or all.

        `app` is a command or an assembly that was synthesised before, without it what cdk.json says; `settings` are
        environment variables for it.
        """
        wanted = ["deploy", *(stacks or ["--all"]), "--require-approval", "never", *_app(app), *options]
        self._cdk.run(wanted, self._local_environment(settings or {}))

    def destroy(
        self,
        *stacks: str,
        app: str | Path = "",
        options: Sequence[str] = (),
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """`cdk destroy` stacks, or all; the same arguments as `deploy`."""
        wanted = ["destroy", *(stacks or ["--all"]), "--force", *_app(app), *options]
        self._cdk.run(wanted, self._local_environment(settings or {}))

    def reset(self) -> None:
        """Forget every resource, fault and call; `bootstrap` is then needed again."""
        self.control.post("reset")

    def silence(
        self,
        region: str,
        services: Sequence[str] = (),
        how: Silence | str = Silence.REFUSE,
        *,
        at: str = "",
        during: str = "",
    ) -> None:
        """A Region, or some of its services, stop answering: see Silence.

        `at` a state of a workflow, from then on; `during` a state, each time and no longer. STATE is that of any
        workflow, MACHINE/STATE that of one.
        """
        self._faults.silence(region, services, how, at=at, during=during)

    def delay(self, state: str) -> None:
        """Every answer to this state of a workflow comes after its time-out, although all is done by then."""
        self._faults.delay(state)

    def silence_bucket(self, name: str, how: Silence | str = Silence.REFUSE) -> None:
        """A bucket stops answering."""
        self._faults.silence_bucket(name, how)

    def heal(self) -> None:
        """Everything answers again."""
        self._faults.heal()

    def calls(self) -> list[Call]:
        """Every call that reached this AWS since the start, the last reset or `forget_calls`, oldest first."""
        return self.control.calls()

    def messages(self) -> list[Message]:
        """Everything that was published to topics since the start or the last reset, oldest first."""
        return self.control.messages()

    def forget_calls(self) -> None:
        """Start recording anew."""
        self.control.post("calls/forget")

    def age_schedule(self, region: str, name: str, minutes: float) -> None:
        """Let a schedule have fired so many minutes ago; schedules are looked at every ten seconds."""
        self.control.post("schedules/age", region=region, name=name, minutes=minutes)

    def forget_metrics(self) -> None:
        """No metric has ever arrived."""
        self.control.post("metrics/forget")

    def look_at_alarms(self, region: str) -> None:
        """Let the alarms of a Region see their metrics as they are now, and act where their state changes."""
        self.control.post("alarms/look", region=region)

    def scale(
        self, *, waits: float | None = None, timeouts: float | None = None, schedules: float | None = None
    ) -> None:
        """Change how long workflows wait, how long their time-outs and heartbeats are, and `rate()` of schedules."""
        self.control.post("scale", waits=waits, timeouts=timeouts)
        if schedules is not None:
            self.control.post("schedules/scale", rates=schedules)

    def stop_the_clock(self, *, stopped: bool = True) -> None:
        """No schedule fires at a time of day any more, only at its rate, and by `fire_schedule`."""
        self.control.post("schedules/clock", runs=not stopped)

    def fire_schedule(self, name: str, *, region: str = "", group: str = "default") -> None:
        """Let a schedule call its target now, whatever its expression and state say."""
        self.control.post("schedules/fire", region=region or self.regions[0], name=name, group=group)

    def set_quota(self, code: str, value: float, *, region: str = "") -> None:
        """Give a service quota another value; `L-67D41C6B` is how many MWAA environments a Region may hold."""
        self.control.post("quotas/set", region=region or self.regions[0], code=code, value=value)

    def hold_replication(self, bucket: str, after: int = 0) -> None:
        """Let replication from a bucket lag, once so many objects more have been copied."""
        self.control.post("replication/hold", bucket=bucket, after=after)

    def release_replication(self, bucket: str) -> int:
        """Let replication from a bucket catch up; how many objects and delete markers were waiting."""
        return int(self.control.post("replication/release", bucket=bucket))

    def age_execution(self, execution: str, days: float) -> None:
        """Let an execution have ended so many days earlier than it did."""
        self.control.post("workflows/age", execution=execution, days=days)

    def time_out(self, execution: str) -> None:
        """Let an execution that runs have taken as long as its state machine allows."""
        self.control.post("workflows/time-out", execution=execution)

    def _local_environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        environment = {**self.environment(), **settings}
        require_local(environment["AWS_ENDPOINT_URL"])
        return environment


def _app(app: str | Path) -> list[str]:
    return ["--app", str(app)] if app else []


@functools.cache
def _session() -> boto3.session.Session:
    """One for all: it reads the model of a service once, which takes up to a second."""
    return boto3.session.Session()


def require_local(url: str) -> None:
    """Raise LocalAwsError unless an endpoint is on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        is_local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_local = host == "localhost"
    if not is_local:
        raise LocalAwsError(
            f"{url or 'no endpoint'!r} is not on this machine, so it could be the real AWS",
            "Only 127.0.0.1 is served here; unset AWS_ENDPOINT_URL.",
        )
