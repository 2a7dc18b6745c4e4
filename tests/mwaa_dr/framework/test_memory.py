"""A backup costs the same memory whatever it holds."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.metadata import Metadata

MOST = 64 << 20
SCRIPT = """
import sys
from pathlib import Path
from tests.support.engine import backup

def peak() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) << 10

url, place = sys.argv[1], Path(sys.argv[2])
backup(url, place)
idle = peak()
open(sys.argv[3], "w").close()
sys.stdin.readline()
backup(url, place)
print(peak() - idle)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak")
def test_many_large_variables_are_never_held_at_once(primary: Metadata, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, primary.url, str(tmp_path / "backups"), str(ready)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        text=True,
    ) as process:
        while not ready.exists() and process.poll() is None:
            time.sleep(0.05)
        primary.run_sql(
            "INSERT INTO variable (key, val, is_encrypted)"
            " SELECT n::text, repeat('x', 2000000), false FROM generate_series(1, 60) n"
        )
        grown, _ = process.communicate("\n", timeout=120)
    assert int(grown) < MOST
