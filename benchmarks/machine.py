"""The machine that a benchmark ran on, in the words of its results."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import psutil


def machine(server_version: str) -> dict[str, str]:
    """What a reader must know to compare; the load before the first run tells whether it was quiet."""
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{psutil.virtual_memory().total / (1 << 30):.0f} GiB",
        "PostgreSQL": server_version,
        "Python": platform.python_version(),
        "load before": f"{os.getloadavg()[0]:.1f}",
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    named = next((line for line in lines if line.startswith("model name")), "")
    return named.partition(":")[2].strip() or platform.machine()
