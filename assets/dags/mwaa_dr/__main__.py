"""The command line: `python -m mwaa_dr --help`."""

from __future__ import annotations

import sys

from mwaa_dr.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
