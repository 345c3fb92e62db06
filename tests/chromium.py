"""Drives a Chromium over a pipe, by its DevTools protocol: no port, no driver program, and nothing to install besides.

A page is asked what it is, and what went wrong in it: errors of scripts, what a policy refused, what was not there.
"""

import base64
import contextlib
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--remote-debugging-pipe", "--hide-scrollbars",
    "--font-render-hinting=none",
)  # fmt: skip
_PATIENCE = 90.0


class Page:
    """One tab. `problems` is everything that the browser had to say against what it was shown."""

    def __init__(self, browser: "Browser", session: str) -> None:
        self._browser, self._session = browser, session
        self.problems: list[str] = []
        self.asked: list[str] = []
        for domain in ("Page", "Runtime", "Log", "Network", "Audits", "Accessibility"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._browser.call(method, parameters, self._session)

    def window(self, width: int, height: int = 900, *, dark: bool = False, scale: float = 1) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def scripts(self, *, allowed: bool) -> None:
        self.call("Emulation.setScriptExecutionDisabled", value=not allowed)

    def open(self, url: str) -> None:
        self._browser.forget("Page.loadEventFired")
        self.call("Page.navigate", url=url)
        self._browser.wait_for("Page.loadEventFired")

    def evaluate(self, script: str) -> Any:
        """The value of an expression, after what it promises."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, script: str) -> Any:
        """The value of `script` as soon as it is not false."""
        end = time.monotonic() + _PATIENCE
        while not (value := self.evaluate(script)):
            assert time.monotonic() < end, f"{script} stays {value!r}"
            time.sleep(0.02)
        return value

    def type(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def press(self, key: str, code: int) -> None:
        for kind in ("keyDown", "keyUp"):
            text = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
            self.call(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text
            )

    def accessible(self) -> list[dict[str, Any]]:
        """What a screen reader is told."""
        return [node for node in self.call("Accessibility.getFullAXTree")["nodes"] if not node.get("ignored")]

    def picture(self, height: int | None = None) -> bytes:
        """What is seen, as PNG; of so much height, if it is given."""
        clip = {}
        if height is not None:
            width = self.evaluate("document.documentElement.clientWidth")
            clip = {
                "clip": {"x": 0, "y": 0, "width": width, "height": height, "scale": 1},
                "captureBeyondViewport": True,
            }
        return base64.b64decode(self.call("Page.captureScreenshot", format="png", **clip)["data"])

    def notice(self, method: str, told: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            self.problems.append(f"exception: {told['exceptionDetails'].get('text')}")
        elif method == "Runtime.consoleAPICalled":
            self.problems.append(f"console: {told['type']}: {[item.get('value') for item in told['args']]}")
        elif method == "Log.entryAdded":
            self.problems.append(f"log: {told['entry']['text']}")
        elif method == "Audits.issueAdded":
            self.problems.append(f"issue: {told['issue']}")
        elif method == "Network.requestWillBeSent":
            self.asked.append(told["request"]["url"])


class Browser:
    """A process of the browser."""

    def __init__(self, profile: Path) -> None:
        assert CHROMIUM is not None
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()

        def as_three_and_four() -> None:
            os.dup2(to_read, 3)
            os.dup2(to_write, 4)

        # Above 4, so that neither is overwritten before it is copied.
        to_read, to_write = (_above(descriptor) for descriptor in (to_read, to_write))
        self._process = subprocess.Popen(
            [CHROMIUM, *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(3, 4, to_read, to_write),
            preexec_fn=as_three_and_four,  # noqa: PLW1509 - which pipes those are, the browser does not let one say
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"HOME": str(profile), "PATH": os.environ["PATH"]},
        )
        os.close(to_read)
        os.close(to_write)
        self._number = 0
        self._answers: dict[int, Queue[dict[str, Any]]] = {}
        self._events: Queue[str] = Queue()
        self._pages: dict[str, Page] = {}
        threading.Thread(target=self._listen, daemon=True).start()

    def page(self) -> Page:
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        page = Page(self, session)
        self._pages[session] = page
        return page

    def call(self, method: str, parameters: dict[str, Any], session: str = "") -> dict[str, Any]:
        self._number += 1
        number = self._number
        self._answers[number] = Queue()
        message = {
            "id": number,
            "method": method,
            "params": parameters,
            **({"sessionId": session} if session else {}),
        }
        os.write(self._write, json.dumps(message).encode() + b"\0")
        try:
            answer = self._answers[number].get(timeout=_PATIENCE)
        except Empty:
            raise AssertionError(f"the browser does not answer to {method}") from None
        finally:
            del self._answers[number]
        assert "error" not in answer, f"{method}: {answer.get('error')}"
        return answer["result"]

    def forget(self, method: str) -> None:
        with contextlib.suppress(Empty):
            while True:
                self._events.get_nowait()

    def wait_for(self, method: str) -> None:
        while self._events.get(timeout=_PATIENCE) != method:
            pass

    def close(self) -> None:
        try:
            with contextlib.suppress(AssertionError, OSError):
                self.call("Browser.close", {})
            self._process.wait(timeout=30)
        finally:
            self._process.kill()
            self._process.wait()
        os.close(self._write)

    def _listen(self) -> None:
        held = b""
        while data := os.read(self._read, 1 << 20):
            *messages, held = (held + data).split(b"\0")
            for message in map(json.loads, messages):
                if "id" in message:
                    self._answers[message["id"]].put(message)
                    continue
                page = self._pages.get(message.get("sessionId", ""))
                if page is not None:
                    page.notice(message["method"], message.get("params", {}))
                self._events.put(message["method"])


def _above(descriptor: int) -> int:
    if descriptor > 10:
        return descriptor
    import fcntl

    copy = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 11)
    os.close(descriptor)
    return copy


@contextlib.contextmanager
def browsing(profile: Path) -> Iterator[Page]:
    """A tab of a browser of its own."""
    browser = Browser(profile)
    try:
        yield browser.page()
    finally:
        browser.close()


@contextlib.contextmanager
def served(root: Path) -> Iterator[str]:
    """The address at which a plain web server on this machine serves `root`."""

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(root))

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
