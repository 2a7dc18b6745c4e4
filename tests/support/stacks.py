"""The stacks as CloudFormation gets them: each configuration is synthesised once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from aws_cdk import App

from lib.config import Config
from lib.stacks import add_stacks
from tests.support.configuration import valid_env

ROOT = Path(__file__).parents[2]
Resource = Mapping[str, Any]


@dataclass(frozen=True)
class Template:
    """One stack's template."""

    content: Mapping[str, Any]

    def resources(self, kind: str) -> dict[str, Resource]:
        """Logical id -> resource, of one type."""
        return {name: one for name, one in self.content["Resources"].items() if one["Type"] == kind}

    def properties(self, kind: str) -> list[Mapping[str, Any]]:
        """The properties of all resources of a type."""
        return [one.get("Properties", {}) for one in self.resources(kind).values()]

    def one(self, kind: str) -> Mapping[str, Any]:
        """The properties of the only resource of a type."""
        (found,) = self.properties(kind)
        return found

    def custom(self, kind: str) -> Mapping[str, Any]:
        """The properties of a custom resource, as its function gets them."""
        return self.one(f"Custom::{kind}")

    def statements(self, *, of: str = "") -> Iterator[Mapping[str, Any]]:
        """Every statement of the policies of roles; only those of policies whose logical id begins so."""
        for name, policy in self.resources("AWS::IAM::Policy").items():
            if name.startswith(of):
                yield from policy["Properties"]["PolicyDocument"]["Statement"]

    def allowed(self, action: str, *, of: str = "") -> list[Mapping[str, Any]]:
        """The statements that allow an action."""
        return [one for one in self.statements(of=of) if action in as_list(one["Action"])]

    def output(self, part: str) -> str:
        """The value of the only output whose name has this part; what is only known in AWS stands as `<...>`."""
        (found,) = [one["Value"] for name, one in self.content["Outputs"].items() if part in name]
        return joined(found)


@dataclass(frozen=True)
class Stacks:
    """Both templates of one configuration."""

    primary: Template
    secondary: Template
    folder: Path


def synthesised(**changes: str | None) -> Stacks:
    """The stacks of the valid configuration with these changes."""
    return _synthesised(tuple(sorted(changes.items())))


@cache
def _synthesised(changes: tuple[tuple[str, str | None], ...]) -> Stacks:
    app = new_app()
    config = Config.load(None, valid_env(**dict(changes)))
    add_stacks(app, config)
    assembly = app.synth()
    dr = config.disaster_recovery
    assert dr
    return Stacks(
        Template(assembly.get_stack_by_name(dr.primary_stack_name).template),
        Template(assembly.get_stack_by_name(dr.secondary_stack_name).template),
        Path(assembly.directory),
    )


def new_app(**arguments: Any) -> App:
    """An app with the feature flags of cdk.json, as the command line gives them to it."""
    return App(context=json.loads((ROOT / "cdk.json").read_text())["context"], **arguments)


def as_list(value: Any) -> list[Any]:
    """What a policy writes as one or as a list."""
    return value if isinstance(value, list) else [value]


def joined(value: Any) -> str:
    """Text that a template joins, references as `<LogicalId>`."""
    if isinstance(value, str):
        return value
    if "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        return str(separator.join(joined(part) for part in parts))
    ((_, reference),) = value.items()
    return f"<{reference[0] if isinstance(reference, list) else reference}>"
