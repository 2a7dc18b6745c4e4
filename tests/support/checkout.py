"""The project as a user has it: a folder of its own with a .env, and ./build.sh."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from drill.aws import LocalAws
from drill.aws.cdk import QUIET

ROOT = Path(__file__).parents[2]
COPIED = (
    *("app.py", "build.sh", "cdk.json", ".env.example", "pyproject.toml", "assets", "lib"),
    *("requirements.txt", "requirements-dev.txt", "package.json", "package-lock.json"),
)
LINKED = (".venv", "node_modules")
"""What `./build.sh setup` has made here: it finds all installed."""


@dataclass(frozen=True)
class Said:
    """What became of a command."""

    status: int
    text: str
    """What it wrote, errors among it."""


@dataclass(frozen=True)
class Checkout:
    """A copy of the project for an account of the local AWS."""

    folder: Path
    aws: LocalAws

    @classmethod
    def make(cls, folder: Path, aws: LocalAws) -> Checkout:
        """Copy what a deployment needs."""
        folder.mkdir()
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, folder / name)
        for name in LINKED:
            (folder / name).symlink_to(ROOT / name)
        return cls(folder, aws)

    @property
    def env(self) -> Path:
        """Its configuration."""
        return self.folder / ".env"

    def build(self, *arguments: str) -> Said:
        """`./build.sh` with nobody at the keyboard, from another folder."""
        done = subprocess.run(
            [str(self.folder / "build.sh"), *arguments],
            cwd=self.folder.parent,
            env={**self.aws.environment(), **QUIET},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Said(done.returncode, done.stdout)

    def built(self, *arguments: str) -> str:
        """The same, where it has to succeed."""
        said = self.build(*arguments)
        assert said.status == 0, said.text[-3000:]
        return said.text
