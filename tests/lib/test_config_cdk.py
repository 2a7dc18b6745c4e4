"""The account and the Region through the real CDK command line, which overwrites both in the app's environment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.configuration import ACCOUNT, start_stop_env

CDK = "aws-cdk@2.1148.1"
ROOT = Path(__file__).parents[2]
CALLER = "999988887777"

APP = """\
import json, os
from pathlib import Path
from lib.config import Config

out = Path(os.environ["CDK_OUTDIR"])
out.mkdir(exist_ok=True)
stack = {
    "type": "aws:cloudformation:stack",
    "environment": "aws://unknown-account/unknown-region",
    "properties": {"templateFile": "empty.json"},
}
(out / "empty.json").write_text("{}")
(out / "manifest.json").write_text(json.dumps({"version": "36.0.0", "artifacts": {"empty": stack}}))
schedules = Config.load(Path(".env"), os.environ).start_stop.schedules
Path("seen.json").write_text(json.dumps({
    "account": schedules.account_id,
    "region": schedules.region,
    "overwritten": [os.environ["CDK_DEFAULT_ACCOUNT"], os.environ["CDK_DEFAULT_REGION"]],
}))
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("npm"), reason="the CDK command line needs Node"),
]


class _Sts(BaseHTTPRequestHandler):
    """Answers whose credentials these are."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        result = f"<Account>{CALLER}</Account><Arn>arn:aws:iam::{CALLER}:user/me</Arn><UserId>me</UserId>"
        result = f"<GetCallerIdentityResult>{result}</GetCallerIdentityResult>"
        body = f"<GetCallerIdentityResponse>{result}</GetCallerIdentityResponse>"
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def sts() -> Iterator[str]:
    """The URL of an STS for which all credentials are of the account CALLER."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Sts) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(scope="module")
def cdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The CDK command line."""
    folder = tmp_path_factory.mktemp("cdk")
    command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), CDK]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return folder / "node_modules" / ".bin" / "cdk"


def synth(cdk: Path, folder: Path, file: dict[str, str], **environ: str) -> dict[str, object]:
    """What the configuration says in an app that `cdk synth` runs with this `.env` and this environment."""
    (folder / "app.py").write_text(APP)
    (folder / ".env").write_text("".join(f"{name}='{value}'\n" for name, value in file.items()))
    isolated = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "HOME": str(folder),
        "CDK_HOME": str(folder / "home"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
    }
    app = f'"{sys.executable}" app.py'
    done = subprocess.run(
        [str(cdk), "synth", "--quiet", "--app", app],
        cwd=folder,
        env={**isolated, **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, object] = json.loads((folder / "seen.json").read_text())
    return seen


def test_the_file_is_heard_although_the_command_line_overwrites_the_environment(
    cdk: Path, sts: str, tmp_path: Path
) -> None:
    seen = synth(cdk, tmp_path, start_stop_env(), AWS_ENDPOINT_URL=sts)
    assert seen == {"account": ACCOUNT, "region": "eu-west-1", "overwritten": [CALLER, "us-east-1"]}


def test_what_is_only_exported_is_lost_on_the_way(cdk: Path, sts: str, tmp_path: Path) -> None:
    exported = {name: start_stop_env()[name] for name in ("CDK_DEFAULT_ACCOUNT", "CDK_DEFAULT_REGION")}
    role = f"arn:aws:iam::{CALLER}:role/r"
    file = start_stop_env(CDK_DEFAULT_ACCOUNT=None, CDK_DEFAULT_REGION=None, MWAA_EXECUTION_ROLE_ARN=role)
    seen = synth(cdk, tmp_path, file, **exported, AWS_ENDPOINT_URL=sts)
    assert (seen["account"], seen["region"]) == (CALLER, "us-east-1")
