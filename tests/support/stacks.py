"""The stacks as CloudFormation gets them: each configuration is synthesised once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from aws_cdk import App
from aws_cdk.cx_api import CloudAssembly

from lib.config import Config
from lib.stacks import add_stacks
from tests.support.configuration import ACCOUNT, of_the_primary, start_stop_env, valid_env

REAL_IDS = {
    "PRIMARY_SECURITY_GROUP_IDS": "[sg-0123456789abcdef0]",
    "SECONDARY_SECURITY_GROUP_IDS": "[sg-0fedcba9876543210]",
}
"""In the form that EC2 gives them: linters look at it."""

ROOT = Path(__file__).parents[2]
CONTEXT = json.loads((ROOT / "cdk.json").read_text())["context"]
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


def stop_and_start(**changes: str | None) -> Template:
    """The stack of stop and start alone, with these changes."""
    return _apart(tuple(sorted(start_stop_env(**changes).items())))


def beside_recovery(**changes: str | None) -> Template:
    """The stack of stop and start of the primary, from one configuration with disaster recovery."""
    return _apart(tuple(sorted(of_the_primary(**changes).items())))


def folder_of(environ: Mapping[str, str]) -> Path:
    """Where all stacks of a configuration are synthesised."""
    return Path(_assembly(tuple(sorted(environ.items()))).directory)


def both_products(**changes: str | None) -> dict[str, str]:
    """Disaster recovery, and stop and start of its primary and of another environment, in one `.env`."""
    several = {
        "START_STOP_ENVIRONMENTS": "[primary, dev]",
        "MWAA_ENV_NAME__DEV": "dev",
        "MWAA_SOURCE_BUCKET_NAME__DEV": "dev-dags",
        "MWAA_EXECUTION_ROLE_ARN__DEV": f"arn:aws:iam::{ACCOUNT}:role/service-role/dev",
        **REAL_IDS,
    }
    return {name: value for name, value in {**of_the_primary(), **several, **changes}.items() if value is not None}


@cache
def _assembly(environ: tuple[tuple[str, str], ...]) -> CloudAssembly:
    app = new_app()
    add_stacks(app, Config.load(None, dict(environ)))
    return app.synth()


def _apart(environ: tuple[tuple[str, str], ...]) -> Template:
    return Template(_assembly(environ).get_stack_by_name(dict(environ)["MWAA_MAIN_STACK_NAME"]).template)


def new_app(**arguments: Any) -> App:
    """An app with the feature flags of cdk.json, as the command line gives them to it."""
    return App(context=CONTEXT, **arguments)


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
