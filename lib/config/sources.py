"""Where the text of variables comes from: a `.env` file and the environment."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from dotenv.parser import Binding, parse_stream
from dotenv.variables import parse_variables

from lib.config.findings import ConfigError, Finding
from lib.config.kinds import unquoted

FILE_FIRST = frozenset({"CDK_DEFAULT_ACCOUNT", "CDK_DEFAULT_REGION"})
"""The CDK command line overwrites these in the environment of the app, so that only the file can tell them."""


class Origin(Enum):
    """Where a text was found."""

    FILE = ".env"
    ENVIRONMENT = "the environment"


@dataclass(frozen=True)
class Text:
    """What a variable was set to."""

    text: str
    origin: Origin


@dataclass(frozen=True)
class Sources:
    """All that was set; what is set to nothing is not set."""

    file: Mapping[str, str]
    environ: Mapping[str, str]
    doubts: tuple[Finding, ...] = ()

    def find(self, name: str) -> Text | None:
        """What the variable was set to; the environment wins, but for those that the CDK overwrites."""
        both = [(self.environ, Origin.ENVIRONMENT), (self.file, Origin.FILE)]
        for source, origin in reversed(both) if name in FILE_FIRST else both:
            if text := unquoted(source.get(name, "")):
                return Text(text, origin)
        return None

    def names(self) -> Iterator[str]:
        """Every variable that is set to something, those of the file first."""
        for name in {**self.file, **self.environ}:
            if self.find(name):
                yield name


def read_sources(env_file: Path | None, environ: Mapping[str, str]) -> Sources:
    """The file, where there is one, and the environment; raises ConfigError for a file that cannot be read."""
    if env_file is None or not env_file.is_file():
        return Sources({}, environ)
    try:
        content = env_file.read_text(encoding="utf-8")
    except UnicodeDecodeError as err:
        raise ConfigError([Finding(env_file.name, f"{env_file.name} is not UTF-8, allowed: text in UTF-8")]) from err
    bindings = list(parse_stream(io.StringIO(content)))
    wrong = [_broken(env_file.name, binding.original.line) for binding in bindings if binding.error]
    if wrong:
        raise ConfigError(wrong)
    counts = Counter(binding.key for binding in bindings if binding.key)
    return Sources(
        _resolved(bindings, environ),
        environ,
        tuple(
            Finding(name, f"{name} is set {count} times in .env, the last one counts")
            for name, count in counts.items()
            if count > 1
        ),
    )


def _broken(file: str, line: int) -> Finding:
    return Finding(file, f"{file} cannot be read at line {line}, allowed: NAME=value, a comment or nothing")


def _resolved(bindings: list[Binding], environ: Mapping[str, str]) -> dict[str, str]:
    """Name -> text, with `${OTHER}` filled in."""
    found: dict[str, str] = {}
    for binding in bindings:
        if binding.key:
            known = {**found, **environ}
            found[binding.key] = "".join(atom.resolve(known) for atom in parse_variables(binding.value or ""))
    return found
