"""Services, Regions and buckets that are silent, at once or from a state of a workflow on; answers that are late."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from xml.sax.saxutils import escape

from drill.aws.simulator.calls import Call
from drill.aws.simulator.state import door, on_reset

Answer = tuple[int, dict[str, str], bytes]

# What IAM calls a service, and what its signature calls it, when the two differ.
SIGNING_NAMES = {"cloudwatch": "monitoring"}
ERRORS = {
    "error": (503, "ServiceUnavailable", "The service is unavailable (silenced by the drill)"),
    "deny": (403, "AccessDenied", "Denied (silenced by the drill)"),
    "throttle": (429, "Throttling", "Rate exceeded (silenced by the drill)"),
}
S3_THROTTLE = (503, "SlowDown", "Please reduce your request rate (silenced by the drill)")
XML_SERVICES = ("s3", "sns", "ec2", "iam", "sts", "cloudformation", "autoscaling")


@dataclass(frozen=True)
class Fault:
    """One thing that is silent, and how."""

    how: str
    region: str = ""
    services: frozenset[str] = frozenset()
    bucket: str = ""

    def hits(self, call: Call) -> bool:
        """Whether a call meets it."""
        if self.bucket:
            return self.bucket in call.buckets
        names = {call.service, SIGNING_NAMES.get(call.service, call.service)}
        return self.region == call.region and (not self.services or bool(self.services & names))


_faults: list[Fault] = []
_waiting: dict[str, list[Fault]] = {}
"""What begins when a workflow comes to a state, by its name."""
_during: dict[str, list[Fault]] = {}
"""What lasts as long as a workflow is in a state, by its name."""
_late: set[str] = set()


@door("faults/silence")
def silence(region: str, services: list[str], how: str, at: str = "", during: str = "") -> None:
    """A Region, or some of its services; from when a workflow comes to a state on, or as long as it is there."""
    fault = Fault(how, region=region, services=frozenset(services))
    kept = _during.setdefault(during, []) if during else _waiting.setdefault(at, []) if at else _faults
    kept.append(fault)


@door("faults/delay")
def delay(state: str) -> None:
    """What a state of a workflow waits for."""
    _late.add(state)


@contextmanager
def in_state(machine: str, state: str) -> Iterator[None]:
    """For an attempt of a state in a workflow; tests name it alone, or as MACHINE/STATE."""
    names = _names(machine, state)
    begun = [fault for name in names for fault in _during.get(name, ())]
    _faults.extend([fault for name in names for fault in _waiting.pop(name, ())] + begun)
    try:
        yield
    finally:
        for fault in begun:
            if fault in _faults:
                _faults.remove(fault)


def is_late(machine: str, state: str) -> bool:
    """Whether the answer to a state comes after its time-out."""
    return not _late.isdisjoint(_names(machine, state))


def _names(machine: str, state: str) -> tuple[str, str]:
    return state, f"{machine}/{state}"


@door("faults/silence-bucket")
def silence_bucket(bucket: str, how: str) -> None:
    """A bucket."""
    _faults.append(Fault(how, bucket=bucket))


@door("faults/heal")
@on_reset
def heal() -> None:
    """Everything answers again."""
    for kept in (_faults, _waiting, _during, _late):
        kept.clear()


def met_by(call: Call) -> Fault | None:
    """The newest fault that a call meets."""
    return next((fault for fault in reversed(_faults) if fault.hits(call)), None)


def is_in_force(fault: Fault) -> bool:
    """Whether nobody healed it."""
    return fault in _faults


def answer(fault: Fault, call: Call) -> Answer:
    """The error that a service answers, in its own form."""
    is_s3 = call.service == "s3"
    status, code, message = S3_THROTTLE if is_s3 and fault.how == "throttle" else ERRORS[fault.how]
    if call.service not in XML_SERVICES:
        name = f"{code}Exception"
        body = json.dumps({"__type": name, "message": message}).encode()
        return status, {"Content-Type": "application/x-amz-json-1.1", "x-amzn-errortype": name}, body
    error = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    xml = error if is_s3 else f"<ErrorResponse>{error}</ErrorResponse>"
    if call.service == "ec2":
        xml = f"<Response><Errors>{error}</Errors></Response>"
    return status, {"Content-Type": "text/xml"}, f'<?xml version="1.0"?>{xml}'.encode()
