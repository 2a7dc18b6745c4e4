"""Start ministack with everything that is mended; ends when its standard input ends."""

from __future__ import annotations

import os
import sys
import threading

from ministack import app

from drill.aws.simulator import (
    actions,
    adoption,
    alarms,
    batch,
    enforcement,
    gateway,
    keys,
    lambdas,
    messages,
    metrics,
    mwaa,
    network,
    passing,
    quotas,
    replication,
    schedules,
    workflows,
)

MENDED = (
    actions,
    adoption,
    alarms,
    batch,
    enforcement,
    gateway,
    keys,
    lambdas,
    messages,
    metrics,
    mwaa,
    network,
    passing,
    quotas,
    replication,
    schedules,
    workflows,
)


def end_with_parent() -> None:
    """Stop as soon as the other end of the pipe is closed: also when the parent crashed."""
    while sys.stdin.buffer.read(4096):
        pass
    os.kill(os.getpid(), 15)
    threading.Event().wait(5)
    os.killpg(os.getpgid(0), 9)


def main() -> None:
    """Mend, then serve."""
    for module in MENDED:
        module.mend()
    threading.Thread(target=end_with_parent, daemon=True).start()
    sys.argv = ["ministack"]
    app.main()


if __name__ == "__main__":
    main()
