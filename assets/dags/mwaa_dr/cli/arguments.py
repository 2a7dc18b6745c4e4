"""What can be asked on the command line, and with which values."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, NoReturn

from mwaa_dr import __version__
from mwaa_dr.framework.manifest import Environment
from mwaa_dr.framework.model import setting_kinds as kinds
from mwaa_dr.framework.model.options import BackupMode, BackupOptions, InFlight, Retention, Strategy
from mwaa_dr.framework.model.setting_kinds import Kind
from mwaa_dr.framework.model.settings import Settings

DATABASE_VARIABLE = "DR_DATABASE_URL"
FERNET_VARIABLE = "AIRFLOW__CORE__FERNET_KEY"
OPTIONAL_WORDS = {"backup", "region", "s3_kms_key_arn", "source"}
"""Empty where they are not given; argparse would hold an empty default against them."""
LEVELS = ("files", "data", "rehearse")

EPILOG = """\
exit codes: 0 done, 1 failed (nothing is left half done) or not as it should be, 2 wrong usage, 130 interrupted.
With --json, standard output holds one JSON document and nothing else, also when the command failed: then it has
the key "error". Standard error has the same line and hint as without --json.
"""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as every other error is said."""

    def error(self, message: str) -> NoReturn:
        """End the process with code 2."""
        self.exit(2, f"ERROR: {message}\nHINT: {self.prog} --help says what is allowed.\n")


def parser() -> Parser:
    """The parser of the whole command line; each command says its own options."""
    whole = Parser(
        prog="python -m mwaa_dr",
        description="Back up, restore and clean up the metadata database of Apache Airflow.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=f"mwaa_dr {__version__}")
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (meaning, add_options) in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=meaning,
            description=f"{meaning[0].upper()}{meaning[1:]}.",
            epilog=EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        add_options(command)
        command.add_argument("--json", action="store_true", help="print one JSON document on standard output")
        command.add_argument("--quiet", action="store_true", help="show no progress")
        command.add_argument("--debug", action="store_true", help="show a traceback when something fails")
    return whole


def parse(arguments: list[str] | None, environ: Mapping[str, str]) -> argparse.Namespace:
    """Read a command line; end the process with code 2 and a line on standard error where it is wrong."""
    whole = parser()
    asked = whole.parse_args(arguments)
    for name in OPTIONAL_WORDS & vars(asked).keys():
        setattr(asked, name, getattr(asked, name) or "")
    if "database" in asked:
        asked.database = asked.database or environ.get(DATABASE_VARIABLE, "")
        needed = asked.command != "verify" or asked.level == "rehearse"
        if needed and not asked.database:
            whole.error(f"name the metadata database: --database URL, or {DATABASE_VARIABLE}")
    if asked.command == "restore" and asked.in_flight is InFlight.RESUME and not asked.primary_fenced:
        whole.error("--in-flight resume runs tasks again: say with --primary-fenced that the primary runs nothing")
    return asked


def _backup(command: argparse.ArgumentParser) -> None:
    _database(command)
    _storage(command)
    _environment(command, "the environment that is backed up")
    _fernet(command)
    _tables(command)
    command.add_argument(
        "--kms-key-arn",
        action="append",
        default=[],
        type=_kind(kinds.KMS_ARN),
        metavar="ARN",
        help="encrypt variables and connections under this key; repeat it: each key alone opens them",
    )
    command.add_argument(
        "--retention",
        type=_kind(kinds.RETENTION),
        default=Retention(),
        metavar="24,14d",
        help="which backups stay: the newest 24 and one a day for 14 days (the default); 0 keeps all",
    )
    words = "all rows, or what has changed since the last backup"
    _word(command, "--mode", BackupOptions.backup_mode, words)
    _number(command, "--full-every", "full_every", "INCREMENTAL: one of so many is a full one")
    _number(command, "--parallel", "connections", "database connections that copy in parallel")
    _number(command, "--wait", "wait_seconds", "seconds to wait for another backup to end")
    _number(command, "--shrink-guard", "shrink_guard_percent", "per cent of its rows that a core table may lose")
    command.add_argument(
        "--skip-unreadable-secrets",
        action="store_true",
        help="go on without a variable or connection that cannot be decrypted, and list it",
    )


def _restore(command: argparse.ArgumentParser) -> None:
    _database(command)
    _storage(command)
    _environment(command, "the environment that is restored into")
    _choice_of_backup(command)
    _fernet(command)
    _tables(command)
    for name in ("--variables", "--connections"):
        _word(command, name, Strategy.APPEND, f"what becomes of {name[2:]} that are there already")
    _word(command, "--in-flight", InFlight.DROP, "what becomes of runs that were interrupted")
    command.add_argument(
        "--primary-fenced", action="store_true", help="your word that the primary runs nothing any more"
    )
    command.add_argument(
        "--from-legacy",
        action="store_true",
        help="the folder was written by mwaa-dr 1.x or 2.x: <storage>/<prefix>/<table>.csv without a manifest",
    )
    _number(command, "--exclusive-seconds", "exclusive_seconds", "lock tables for so long to be faster; 0: never")
    _lock_and_dry_run(command)


def _cleanup(command: argparse.ArgumentParser) -> None:
    _database(command)
    _tables(command)
    command.add_argument("--force", action="store_true", help="go on although other runs are running")
    words = "commit after so many whole runs; 0: one transaction"
    _number(command, "--batch-runs", "batched", words, kinds.RUNS_OF_A_BATCH)
    _lock_and_dry_run(command)


def _verify(command: argparse.ArgumentParser) -> None:
    _storage(command)
    _choice_of_backup(command)
    command.add_argument(
        "--level",
        choices=LEVELS,
        default="files",
        help="files: every file by size and SHA-256; data: every row is read, counted and its references followed;"
        " rehearse: loaded into temporary tables of a database, and discarded (default: %(default)s)",
    )
    _database(command)


def _list(command: argparse.ArgumentParser) -> None:
    _storage(command)
    command.add_argument("--source", type=_kind(kinds.ENVIRONMENT_ID), help="only the backups of this environment")


COMMANDS: Mapping[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "backup": ("back up a metadata database, which is only read", _backup),
    "restore": ("restore a backup into a metadata database, all of it or nothing", _restore),
    "cleanup": ("empty what a restore fills, and pause every DAG", _cleanup),
    "verify": ("prove that a backup is whole", _verify),
    "list": ("list the backups", _list),
}


def _database(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--database",
        default="",
        metavar="URL",
        help=f"postgresql://user:password@host:port/name; better in {DATABASE_VARIABLE}, since others on this machine"
        " can see a command line",
    )
    command.add_argument(
        "--airflow-version",
        default="",
        metavar="VERSION",
        help="the Airflow of that database, such as 2.10.3 (default: the one that its schema revision belongs to)",
    )


def _storage(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--storage", required=True, metavar="URL", help="s3://bucket, file:///folder, or the path of a folder"
    )
    command.add_argument(
        "--prefix",
        default="data",
        metavar="FOLDER",
        help="the folder of the backups in the storage; '' for none (default: %(default)s, as the DAGs have it)",
    )
    command.add_argument("--region", type=_kind(kinds.REGION), metavar="NAME", help="the Region of the bucket")
    command.add_argument(
        "--s3-kms-key-arn",
        type=_kind(kinds.KMS_ARN),
        metavar="ARN",
        help="the key that S3 encrypts new objects with, where the bucket enforces SSE-KMS",
    )


def _environment(command: argparse.ArgumentParser, meaning: str) -> None:
    command.add_argument(
        "--environment",
        type=_environment_name,
        default=Environment("local"),
        metavar="NAME[.REGION]",
        help=f"{meaning} (default: local)",
    )


def _choice_of_backup(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--backup",
        type=_kind(kinds.BACKUP_ID),
        metavar="ID",
        help="the backup (default: the latest)",
    )
    command.add_argument(
        "--source",
        type=_kind(kinds.ENVIRONMENT_ID),
        metavar="NAME[.REGION]",
        help="the environment whose backup is meant (default: the only one that has backups there)",
    )


def _fernet(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--fernet-key-file",
        default="",
        metavar="FILE",
        help=f"a file with the environment's Fernet key; or set {FERNET_VARIABLE}",
    )
    command.add_argument(
        "--fernet-key",
        default="",
        metavar="KEY",
        help="the key itself: others on this machine can see a command line, so prefer a file or the environment",
    )


def _tables(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--tables",
        type=lambda text: [name.strip() for name in text.split(",") if name.strip()],
        default=[],
        metavar="A,B",
        help="only these tables (default: all that this Airflow version carries)",
    )


def _lock_and_dry_run(command: argparse.ArgumentParser) -> None:
    _number(command, "--lock-seconds", "lock_seconds", "give up, and undo all, when locks are held longer")
    command.add_argument("--dry-run", action="store_true", help="say what would be done and change nothing")


def _number(command: argparse.ArgumentParser, name: str, setting: str, meaning: str, kind: Kind | None = None) -> None:
    """An option that has the default and the bounds of a setting, or a kind of its own where that takes words, too."""
    row = next(row for row in fields(Settings) if row.name == setting)
    shown = f"{meaning} (default: {row.default})"
    command.add_argument(name, type=_kind(kind or row.metadata["kind"]), default=row.default, metavar="N", help=shown)


def _word(command: argparse.ArgumentParser, name: str, default: Strategy | InFlight | BackupMode, meaning: str) -> None:
    words = type(default)
    allowed = "|".join(word.value for word in words)
    shown = f"{meaning} (default: {default.value})"
    command.add_argument(name, type=_kind(kinds.choice(words)), default=default, metavar=allowed, help=shown)


def _kind(kind: Kind) -> Callable[[str], Any]:
    """A type of argparse that allows what the setting of the same kind allows."""

    def read(text: str) -> Any:
        try:
            return kind.read(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"allowed: {kind.allowed}") from None

    return read


def _environment_name(text: str) -> Environment:
    name, _, region = text.partition(".")
    try:
        return Environment(kinds.ENVIRONMENT_NAME.read(name), kinds.REGION.read(region) if region else "")
    except ValueError:
        raise argparse.ArgumentTypeError("allowed: NAME or NAME.REGION, such as production.eu-west-1") from None
