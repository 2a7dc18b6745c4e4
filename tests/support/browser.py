"""A real browser without a window, told what to do over the pipe of the DevTools protocol.

https://chromedevtools.github.io/devtools-protocol/: JSON messages, each ended by a zero byte; the browser reads
from its file descriptor 3 and writes to 4.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader, BufferedWriter
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
ON_MACOS = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
ALONE = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-sandbox",  # it refuses root with one, and opens nothing but pages of ours
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-quic",
    "--disable-sync",
    "--hide-scrollbars",
)
"""No window, and no call of its own to anybody."""

MOVED = """
import fcntl, os, sys
reads, writes = (fcntl.fcntl(int(number), fcntl.F_DUPFD_CLOEXEC, 10) for number in sys.argv[1:3])
os.dup2(reads, 3)
os.dup2(writes, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Puts both ends where the browser looks for them, and becomes the browser."""


def find_browser() -> str:
    """The path of a Chromium; `BROWSER` names another one. There is no test of a page without one."""
    for candidate in (os.environ.get("BROWSER", ""), *NAMES, ON_MACOS):
        if candidate and (found := shutil.which(candidate)):
            return found
    raise AssertionError("there is no Chromium to look at a page with\nHINT: On Debian: apt-get install chromium.")


@dataclass
class Browser:
    """One page of a browser; everything that it complains of is kept."""

    _to: BufferedWriter
    _from: BufferedReader
    complaints: list[str] = field(default_factory=list)
    """Errors of the console, exceptions, and what could not be loaded."""
    requests: list[str] = field(default_factory=list)
    """The addresses of all that the page has asked for."""
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _session: str = ""
    _rest: bytes = b""

    def open_page(self) -> None:
        """Have a page to work with."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def look_like(self, *, width: int, height: int, is_phone: bool, scheme: str) -> None:
        """Be a screen of this size whose owner likes a `light` or a `dark` one."""
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if is_phone else 1,
            mobile=is_phone,
        )
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def show(self, file: Path) -> None:
        """Load a page, and wait until all of it is there."""
        self.ask("Page.navigate", url=file.as_uri())
        while self._heard()["method"] != "Page.loadEventFired":
            pass

    def value(self, expression: str) -> Any:
        """What an expression of JavaScript comes to in the page."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def screenshot(self) -> bytes:
        """The whole page as PNG."""
        picture = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        return base64.b64decode(picture["data"])

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """What the browser answers to a command."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._to.write(json.dumps(message).encode() + b"\0")
        self._to.flush()
        while (answer := self._heard()).get("id") != number:
            pass
        assert "error" not in answer, f"{method}: {answer['error']}"
        result: dict[str, Any] = answer["result"]
        return result

    def _heard(self) -> dict[str, Any]:
        """The next message; what is a complaint is kept."""
        while b"\0" not in self._rest:
            more = self._from.read1(1 << 16)
            assert more, "the browser has ended"
            self._rest += more
        text, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = {"method": "", **json.loads(text)}
        self._note(message["method"], message.get("params", {}))
        return message

    def _note(self, method: str, told: dict[str, Any]) -> None:
        is_error = told.get("type") in ("error", "assert") or told.get("entry", {}).get("level") == "error"
        if method in ("Runtime.exceptionThrown", "Network.loadingFailed") or (
            method in ("Runtime.consoleAPICalled", "Log.entryAdded") and is_error
        ):
            self.complaints.append(json.dumps(told))
        if method == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser as long as the block, with its files in a folder."""
    to_it, from_it = os.pipe(), os.pipe()
    ours = (to_it[1], from_it[0])
    command = [find_browser(), *ALONE, f"--user-data-dir={folder / 'browser'}"]
    words = [sys.executable, "-c", MOVED, str(to_it[0]), str(from_it[1]), *command]
    with (folder / "browser.log").open("wb") as log:
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(to_it[0], from_it[1])
        )
    for theirs in (to_it[0], from_it[1]):
        os.close(theirs)
    with os.fdopen(ours[0], "wb") as writes, os.fdopen(ours[1], "rb") as reads:
        try:
            made = Browser(writes, reads)
            made.open_page()
            yield made
        finally:
            process.kill()
            process.wait()
