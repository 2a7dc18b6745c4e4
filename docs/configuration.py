"""Write docs/configuration.md and .env.example from what lib/config declares.

Run it after a change of the configuration: PYTHONPATH=. python docs/configuration.py
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lib.config import Config
from lib.config.catalog import ENTRIES, Entry, Product, deploying
from lib.config.cron import PRESETS
from lib.config.deadlines import Step, arithmetic
from lib.config.section import Variable
from lib.config.versions import AS_OF, SOURCE, VERSIONS

PAGE = Path(__file__).with_suffix(".md")
EXAMPLE = PAGE.parents[1] / ".env.example"

WRITTEN = "Written by docs/configuration.py from what lib/config declares; do not edit."

HEAD = f"""\
<!-- {WRITTEN} -->
# Configuration

Every setting is an environment variable. It is read from `.env` at the root of the project (copy `.env.example`)
and from the environment, which wins; so a pipeline needs no file. Two variables are the other way round:
the CDK command line overwrites `CDK_DEFAULT_ACCOUNT` and `CDK_DEFAULT_REGION` with what your credentials say, so for
these `.env` wins. A variable that is set to nothing is not set. `${{OTHER}}` in `.env` stands for the value of `OTHER`.

All errors are reported at once, each with its variable, its value and what is allowed; nothing is deployed then.
Warnings do not stop a deployment. No secret belongs into this configuration.

| form | written |
| --- | --- |
| yes or no | `YES` or `NO`, in any case |
| list | `'["a","b"]'`, `'[a, b]'` or `a, b`; without items `[]` |
| cron of Airflow, in UTC | five fields, as `0 * * * *`, or {", ".join(f"`{preset}`" for preset in PRESETS)} |
| cron of EventBridge Scheduler | `0 20 ? * MON-FRI *`: minute, hour, day of month, month, day of week, year |

## What is deployed

Disaster recovery and stop and start are deployed each when one of its own required variables is set, alone or
together. **Required** below is what has to be set then; all else has a default.

"""

PRODUCTS = {
    Product.RECOVERY: "Deployed when one of these is set: {own}.",
    Product.START_STOP: (
        "Deployed when one of these is set: {own}.\n\n"
        "Several environments in one deployment have a name each in `START_STOP_ENVIRONMENTS='[dev, staging]'`. Each "
        "variable of the section Environment can then be set for one of them, `MWAA_ENV_NAME__DEV`, and where it is "
        "not, the name without an ending counts for all: `MWAA_SCHEDULE_TIME_ZONE`."
    ),
    Product.BOTH: "Names that both products share serve both.",
}

DEADLINES = """\
## Deadlines

The steps of a workflow have to fit into the timeout of its state machine, in minutes. With the defaults:

"""

NAMES = """\
## Names that are made of these

| what | name | at most |
| --- | --- | --- |
| stacks of disaster recovery | `<STACK_NAME_PREFIX>-primary`, `<STACK_NAME_PREFIX>-secondary` | 128 characters |
| stack of stop and start | `<MWAA_MAIN_STACK_NAME>` | 128 characters |
| backup buckets of disaster recovery | `<STACK_NAME_PREFIX>-backup-<account>-<Region>`, in lower case | 63 characters |
| backup bucket of stop and start | `<MWAA_MAIN_STACK_NAME>-backup-<account>-<Region>`, in lower case | 63 characters |
| its state machines | `<MWAA_MAIN_STACK_NAME>-<environment>-stop`, `-start`, `-reactivate` | 80 characters |
| alias of a backup bucket's key | `alias/<STACK_NAME_PREFIX>-backup` | 256 characters |
"""

MWAA = f"""\
## Airflow on MWAA

As of {AS_OF}, from <{SOURCE}>. A version whose support ended, or that is not in this list, is a warning: environments
go on after the end of support, but MWAA creates none. The DAG package serves 2.4 and later.
"""

ENV_HEAD = f"""\
# {WRITTEN}
# Copy it to .env and change what is set. What begins with "# NAME=" shows a default (or, where there is none, an
# example) and can stay as it is. docs/configuration.md explains all of it.
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for product in (Product.RECOVERY, Product.START_STOP, Product.BOTH):
        parts.append(f"## {product.value.capitalize()}\n\n{_introduction(product)}\n\n")
        parts += [f"### {entry.title}\n\n{_promise(entry)}\n\n{_table(entry)}\n" for entry in _entries(product)]
    return "".join([*parts, DEADLINES, _deadlines(), NAMES, "\n", MWAA, "\n", _versions()])


def env_example() -> str:
    """The whole file: disaster recovery as it would be deployed, all else in comments."""
    parts = [ENV_HEAD]
    for product in (Product.RECOVERY, Product.BOTH, Product.START_STOP):
        for entry in _entries(product):
            parts.append(f"\n# ---- {product.value.capitalize()}: {entry.title}\n")
            parts += [_assignment(row, entry) for row in entry.variables()]
    return "".join(parts)


def example_environ(*products: Product) -> dict[str, str]:
    """Variable -> example, for all that the products require."""
    rows = (
        (entry, row)
        for product in (*products, Product.BOTH)
        for entry in _entries(product)
        for row in entry.variables()
    )
    return {row.name: _example(row, entry) for entry, row in rows if row.is_required}


def _entries(product: Product) -> Iterator[Entry]:
    return (entry for entry in ENTRIES if entry.product is product)


def _introduction(product: Product) -> str:
    own = sorted(deploying(product)) if product is not Product.BOTH else []
    return PRODUCTS[product].format(own=", ".join(f"`{name}`" for name in own))


def _promise(entry: Entry) -> str:
    return (entry.section.__doc__ or "").strip()


def _table(entry: Entry) -> str:
    lines = [["variable", "default", "allowed", "meaning"], ["---"] * 4]
    lines += [
        [f"`{row.name}`", _default(row), _cell(row.kind.allowed), _cell(row.meaning)] for row in entry.variables()
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _default(row: Variable[Any]) -> str:
    if row.is_required:
        return "**required**"
    return row.default_in_words or f"`{row.default}`"


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


SECONDARY_EXAMPLES = {
    "SECONDARY_REGION": "us-west-2",
    "SECONDARY_MWAA_ENVIRONMENT_NAME": "my-mwaa-secondary",
    "SECONDARY_MWAA_ROLE_ARN": "arn:aws:iam::111222333444:role/service-role/my-mwaa-secondary-role",
    "SECONDARY_DAGS_BUCKET_NAME": "my-mwaa-secondary-dags",
    "SECONDARY_VPC_ID": "vpc-1111222233334444",
    "SECONDARY_SUBNET_IDS": "[subnet-2222222, subnet-3333333]",
    "SECONDARY_SECURITY_GROUP_IDS": "[sg-111222333444]",
}
"""What cannot be the same as the primary's."""


def _example(row: Variable[Any], entry: Entry) -> str:
    return SECONDARY_EXAMPLES.get(row.name, row.example) if entry.side == "SECONDARY" else row.example


def _assignment(row: Variable[Any], entry: Entry) -> str:
    is_set = row.is_required and entry.product is not Product.START_STOP
    shown = _example(row, entry) if row.is_required or not row.default else row.default
    meaning = textwrap.fill(row.meaning, 118, initial_indent="# ", subsequent_indent="# ")
    return f"{meaning}\n{'' if is_set else '# '}{row.name}={_quoted(shown)}\n"


def _quoted(text: str) -> str:
    return (
        text if text.replace("-", "").replace("_", "").isalnum() or not set(text) & set(" '\"#$[]{}*?") else f"'{text}'"
    )


def _deadlines() -> str:
    lines = [["workflow", "its steps", "its limit"], ["---"] * 3]
    for name, steps, limit in _workflows():
        lines.append([name, arithmetic(steps), limit])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n"


def _workflows() -> Iterator[tuple[str, tuple[Step, ...], str]]:
    environ = example_environ(Product.RECOVERY, Product.START_STOP)
    for dr_type, words in (
        ("BACKUP_RESTORE", "recovery, backup and restore"),
        ("WARM_STANDBY", "recovery, warm standby"),
    ):
        dr = _loaded({**environ, "DR_TYPE": dr_type}).disaster_recovery
        if dr:
            yield words, dr.steps, f"{dr.recovery.state_machine_timeout_mins} `STATE_MACHINE_TIMEOUT_MINS`"
    plan = _loaded(environ).start_stop
    if plan:
        for words, transition in (("stop", plan.stop), ("start", plan.start(plan.environments[0]))):
            limit = f"{transition.timeout_mins} `{transition.timeout_variable}`"
            yield words, transition.steps, f"{limit}; the {plan.poll_mins(transition)} that are left are MWAA's"


def _loaded(environ: Mapping[str, str]) -> Config:
    return Config.load(None, environ)


def _versions() -> str:
    lines = [["version", "Python", "end of support"], ["---"] * 3]
    lines += [
        [known.version, known.python, str(known.end_of_support or "not announced")] for known in VERSIONS.values()
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    EXAMPLE.write_text(env_example(), encoding="utf-8")
