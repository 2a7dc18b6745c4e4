"""Write docs/command-line.md: every command with its options, from the parser itself.

Run it after a change of the options: PYTHONPATH=assets/dags python docs/command_line.py
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mwaa_dr.cli.arguments import COMMANDS

PAGE = Path(__file__).with_name("command-line.md")

HEAD = """\
<!-- Written by docs/command_line.py from the parser; do not edit. -->
# The command line

`python -m mwaa_dr` (or `mwaa-dr` where the wheel is installed) does what the DAGs do, on any PostgreSQL that holds
Airflow's metadata: from a laptop, in a runbook, or with a self-managed Airflow. It needs no Airflow: psycopg2 for a
database, boto3 for S3 and KMS, cryptography for secrets.

```
export DR_DATABASE_URL=postgresql://airflow@host/airflow AIRFLOW__CORE__FERNET_KEY=...
python -m mwaa_dr backup  --storage s3://my-bucket --environment production.eu-west-1
python -m mwaa_dr list    --storage s3://my-bucket
python -m mwaa_dr verify  --storage s3://my-bucket --level data
python -m mwaa_dr restore --storage s3://my-bucket --environment standby.eu-central-1 --dry-run
```

Others on the machine can see a command line: give the database's URL and the Fernet key by environment variables or
a file. No message repeats a password, a key or a value.
"""
TAIL = """
## How it ends

| code | means |
|---|---|
| 0 | done |
| 1 | failed, and nothing is left half done; or `verify` found damage, or a backup shrank and is not the latest |
| 2 | wrong usage: an option, a setting or a storage URL that is not allowed |
| 130, 143 | stopped by Ctrl-C or by SIGTERM; nothing is left half done, a restore or cleanup was undone |

`restore --dry-run` tries the restore on copies of the target's tables that only its own session sees: no row is locked,
and a scheduler does not notice it. It takes the time, and for that time the disk, of such copies. `cleanup --dry-run`
deletes and takes it back: others wait for it meanwhile.

An error is one line `ERROR: ...`, mostly with a line `HINT: ...`, on standard error. Progress is there too: on a
terminal the tables at work are redrawn in place, else each table is one line when it is done; `--quiet` shows none.

`--json` prints one JSON document on standard output and nothing else there, also when the command failed: then it has
the key `error` with `kind`, `message` and `hint`. Keys are only ever added; `report_format` is 1.

## An old folder

`restore --from-legacy` takes a folder that mwaa-dr 1.x or 2.x wrote: `--storage s3://bucket --prefix data` for
`s3://bucket/data/variable.csv` and the others. It is converted into a temporary backup on this machine, which is
restored as any other and removed. What the old format lost, and which rows could not be made whole, is in the notes
of the report. The folder itself is only read; it holds secrets in plain text: delete it when it is no longer needed.
"""


def page() -> str:
    """The whole page."""
    return HEAD + "".join(_command(name) for name in COMMANDS) + TAIL


def _command(name: str) -> str:
    meaning, add_options = COMMANDS[name]
    command = argparse.ArgumentParser(add_help=False)
    add_options(command)
    rows = [_row(action) for action in command._actions]
    return f"\n## {name}\n\n{meaning[0].upper()}{meaning[1:]}.\n\n| option | meaning |\n|---|---|\n{''.join(rows)}"


def _row(action: argparse.Action) -> str:
    value = action.metavar if isinstance(action.metavar, str) else "|".join(action.choices or ())
    option = f"{action.option_strings[0]} {'' if action.nargs == 0 else value}".rstrip()
    meaning = (action.help or "") % {"default": action.default}
    needed = " (needed)" if action.required else ""
    return f"| `{_cell(option)}` | {_cell(meaning)}{needed} |\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page())
