"""Pages in a real browser: whatever a wheel holds, no script runs, nothing is asked for, and nobody is led away."""

import html
import http.server
import os
import re
import shutil
import subprocess
import threading

import pytest

from rebuilders.report.diffoscope import framed
from rebuilders.report.directory import write_report
from rebuilders.report.document import Diffoscoped, of_wheels
from tests.wheels import DIST_INFO, FILENAME, FILES, METADATA, File, recorded, wheel_of, zip_of
from witness.compare.ladder import compare
from witness.wheel.reader import read_wheel

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.loopback,
    pytest.mark.enable_socket,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here: apt install chromium"),
]
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--virtual-time-budget=3000",
)  # fmt: skip


class Asked(list):
    """The paths that a server on this machine was asked for."""

    address = ""


@pytest.fixture
def asked():
    paths = Asked()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            paths.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"led away")

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        paths.address = f"http://127.0.0.1:{server.server_port}"
        yield paths
        server.shutdown()


def seen(path, profile):
    """The document as the browser has it at the end: its title and its markup."""
    done = subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "--dump-dom", path.as_uri()],
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
        env={"HOME": str(profile), "PATH": os.environ["PATH"]},
    )
    title = re.search("<title>(.*?)</title>", done.stdout, re.DOTALL)
    return html.unescape(title[1]) if title else "", done.stdout


def document_of(names, *wheels):
    pair = tuple(map(read_wheel, wheels))
    return of_wheels(names, *pair, compare(*pair))


def attack(address):
    return (
        f"</style></title></textarea><script>document.title='owned'; fetch('{address}/fetch')</script>"
        f"<img src='{address}/img' onerror=\"document.title='owned'\"><link rel=stylesheet href='{address}/css'>"
        f"<meta http-equiv=refresh content='0;url={address}/refresh'><base href='{address}/'>"
        f"<style>@import url('{address}/import'); body{{background:url('{address}/background')}}</style>"
        f"<iframe src='{address}/frame'></iframe><svg onload=\"document.title='owned'\"><object data='{address}/o'>"
        f"<form action='{address}/form'><button autofocus onfocus='this.form.submit()'></form>"
    )


def test_the_attack_works_where_nothing_stands_against_it(tmp_path, asked):
    """So that a page which withstands it says something."""
    page = tmp_path / "page.html"
    page.write_text(
        f"<!doctype html><title>mine</title><p>{attack(asked.address).replace('http-equiv=refresh', '')}"
    )
    title, _ = seen(page, tmp_path / "profile")
    assert title == "owned"
    assert {"/img", "/fetch", "/css"} <= set(asked)


def test_a_report_is_text(tmp_path, asked):
    name, text = f"demo/{attack(asked.address)}.py"[:900], attack(asked.address)
    info = {
        f"{DIST_INFO}/METADATA": METADATA + f"Requires-Dist: {text}\nSummary: {text}\n\n{text}\n".encode(),
        f"{DIST_INFO}/entry_points.txt": f"[{text}]\nx = {text}\n".encode(),
    }
    files = [file for file in FILES if file.name not in info]
    theirs = zip_of(
        recorded(
            [
                *files,
                *(File(path, content) for path, content in info.items()),
                File("demo/x.js", text.encode()),
            ]
        )
    )
    ours = wheel_of(File(name, b"1"), File("demo/x.js", f"{text}\n{text}".encode()))
    document = document_of((text, FILENAME), ours, theirs)
    page = write_report(document, tmp_path / "report")
    title, markup = seen(page, tmp_path / "profile")
    assert title == f"mismatch: {text}"
    assert "Changes what can run" in markup
    assert asked == []


def test_what_diffoscope_wrote_can_do_nothing(tmp_path, asked):
    for number, before in enumerate(("", '"></iframe>', "<!doctype html><html><head><title>x</title>")):
        page = tmp_path / f"diffoscope{number}.html"
        link = f"<a id=a href='{asked.address}/link' target=_top>x</a><script>a.click()</script>"
        page.write_bytes(framed(f"{before}{attack(asked.address)}{link}".encode()))
        title, markup = seen(page, tmp_path / f"profile{number}")
        assert title == "diffoscope"
        assert "<iframe" in markup
    assert asked == []


def test_a_real_report_is_laid_out_for_a_phone(tmp_path):
    """Nothing is wider than a narrow window, however long the words are."""
    ours = wheel_of(File("demo/" + "x" * 200 + ".py", b"y" * 3000), File("demo/a.bin", bytes(300)))
    theirs = wheel_of(File("demo/" + "x" * 200 + ".py", b"z" * 3000), File("demo/a.bin", bytes(299) + b"1"))
    document = document_of((FILENAME, "n" * 300), ours, theirs)
    more = Diffoscoped({}, "w" * 150)
    page = write_report(
        type(document)(document.name, document.result, document.compared, None, more), tmp_path / "r"
    )
    probe = tmp_path / "probe.html"
    probe.write_text(
        "<!doctype html><title>-</title><iframe id=f style='width:360px;height:700px' "
        f'srcdoc="{html.escape(page.read_text())}"></iframe>'
        "<script>f.onload = () => { const d = f.contentDocument.documentElement;"
        " document.title = d.scrollWidth + ' of ' + d.clientWidth }</script>"
    )
    title, _ = seen(probe, tmp_path / "profile")
    wide, room = map(int, title.split(" of "))
    assert 0 < wide <= room
