"""A headless Chromium for tests, driven by the DevTools protocol over two pipes."""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
needs_chromium = pytest.mark.skipif(not CHROMIUM, reason="there is no chromium on this machine")

PATIENCE_SECONDS = 60
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"),
    *("--no-first-run", "--disable-extensions", "--disable-background-networking"),
)

# The browser reads commands from file 3 and answers on file 4: a program that puts the pipes there
# and becomes the browser. First they are moved out of the way, as one may be the other's number.
PLACE_PIPES = """
import fcntl, os, sys
to_read, back_write = (fcntl.fcntl(int(one), fcntl.F_DUPFD, 10) for one in sys.argv[1:3])
os.dup2(to_read, 3)
os.dup2(back_write, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Tab:
    """One page: its errors and requests are kept, and it can be driven.

    Attributes:
        events: Everything that the browser said without being asked.
    """

    def __init__(self, write: int, read: int) -> None:
        self._write, self._read = write, read
        self._waiting = b""
        self._number = 0
        self._session = ""
        self.events: list[dict[str, Any]] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: Any) -> Any:
        """Sends one command and waits for its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def open(self, url: str) -> None:
        """Loads a page anew and waits until it is there."""
        for address in ("about:blank", url):  # to another place of the same page nothing is loaded
            self.events.clear()
            self.ask("Page.navigate", url=address)
            while not any(one.get("method") == "Page.loadEventFired" for one in self.events):
                self.events.append(self._next())

    def run(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page, awaited if it is a promise."""
        answer = self.ask(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def settle(self) -> None:
        """Waits until what was done is drawn."""
        self.run("new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")

    def key(self, name: str) -> None:
        """Presses a key."""
        for kind in ("rawKeyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=name, code=name)
        self.settle()

    def click(self, selector: str) -> None:
        """Clicks in the middle of an element as a mouse does."""
        self.run(f"document.querySelector({selector!r}).scrollIntoView({{block: 'center'}})")
        self.settle()
        x, y = self.run(
            f"(b => [b.x + b.width / 2, b.y + b.height / 2])"
            f"(document.querySelector({selector!r}).getBoundingClientRect())"
        )
        for kind in ("mousePressed", "mouseReleased"):
            where = {"x": x, "y": y, "button": "left", "clickCount": 1}
            self.ask("Input.dispatchMouseEvent", type=kind, **where)
        self.settle()

    def screenshot(self, path: Path) -> None:
        """What is seen, as PNG."""
        answer = self.ask("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(answer["data"]))

    @property
    def complaints(self) -> list[str]:
        """Errors and warnings of console, page and security policy."""
        found = []
        for event in self.events:
            parameters = event.get("params", {})
            if event.get("method") == "Log.entryAdded":
                found.append(parameters["entry"]["text"])
            elif event.get("method") == "Runtime.exceptionThrown":
                found.append(parameters["exceptionDetails"]["text"])
            elif event.get("method") == "Runtime.consoleAPICalled":
                found.append(str(parameters["args"]))
        return found

    @property
    def requests(self) -> list[str]:
        """Addresses that were asked for; data within the page is none."""
        asked = (one for one in self.events if one.get("method") == "Network.requestWillBeSent")
        addresses = [one["params"]["request"]["url"] for one in asked]
        return [address for address in addresses if not address.startswith("data:")]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._waiting:
            ready, _, _ = select.select([self._read], [], [], PATIENCE_SECONDS)
            assert ready, "the browser says nothing"
            part = os.read(self._read, 1 << 20)
            assert part, "the browser has gone"
            self._waiting += part
        message, _, self._waiting = self._waiting.partition(b"\0")
        answer: dict[str, Any] = json.loads(message)
        return answer


@contextmanager
def chromium(profile: Path, *flags: str) -> Iterator[Tab]:
    """A browser with one tab; gone afterwards.

    Args:
        profile: A folder of its own.
        flags: More of its command line.
    """
    to_read, to_write = os.pipe()  # commands
    back_read, back_write = os.pipe()  # answers
    pipes = (str(to_read), str(back_write))
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", *flags]
    process = subprocess.Popen(
        [sys.executable, "-c", PLACE_PIPES, *pipes, *command],
        pass_fds=(to_read, back_write),
        stderr=subprocess.DEVNULL,
    )
    os.close(to_read)
    os.close(back_write)
    try:
        yield Tab(to_write, back_read)
    finally:
        process.terminate()
        process.wait(30)
        os.close(to_write)
        os.close(back_read)
