"""A small judge of IAM policies: whether a role's statements allow a call that was made, and on which conditions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drill.aws.control import Call

Statement = Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What the statements say of one call."""

    is_allowed: bool
    unproven: tuple[str, ...] = ()
    """Condition keys of the statement that allows it whose value the call does not show."""


def judged(call: Call, statements: Sequence[Statement]) -> Verdict:
    """The best verdict of any statement; there are no denials, boundaries or policies of resources here.

    A call whose resource is not known (`*`) is compared by its action only.
    """
    found = [verdict for statement in statements if (verdict := _allows(statement, call))]
    return min(found, key=lambda verdict: len(verdict.unproven), default=Verdict(False))


def statements_of(iam: Any, role: str) -> list[Statement]:
    """All statements of the inline policies of a role."""
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    documents = [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
    return [statement for document in documents for statement in document["Statement"]]


def _allows(statement: Statement, call: Call) -> Verdict | None:
    assert statement["Effect"] == "Allow"
    on = _listed(statement["Resource"])
    is_about = any(_fits(pattern.lower(), call.action.lower()) for pattern in _listed(statement["Action"]))
    if not is_about or not (call.resource == "*" or any(_fits(pattern, call.resource) for pattern in on)):
        return None
    conditions = dict(_conditions(statement))
    shown = {key: str(call.parameters[key]) for key in conditions if key in call.parameters}
    if any(not any(_fits(pattern, value) for pattern in conditions[key]) for key, value in shown.items()):
        return None
    return Verdict(True, tuple(sorted(conditions.keys() - shown.keys())))


def _conditions(statement: Statement) -> Iterator[tuple[str, list[str]]]:
    for wanted in statement.get("Condition", {}).values():
        for key, values in wanted.items():
            yield key, _listed(values)


def _fits(pattern: str, text: str) -> bool:
    """IAM's wildcards: any characters, and any one.

    >>> _fits("arn:aws:s3:::backups/*", "arn:aws:s3:::backups/data/a"), _fits("s3:Get*", "s3:PutObject")
    (True, False)
    """
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text, re.DOTALL) is not None


def _listed(value: Any) -> list[str]:
    return list(value) if isinstance(value, list) else [value]
