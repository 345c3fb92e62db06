"""The pages of a site in a real browser: the search works, nothing breaks the policy, and everybody can read them."""

import importlib.util
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from rebuilders.site.making import pages_of_several
from tests.chromium import CHROMIUM, browsing, served
from tests.hostile_site import hostile_site
from tests.integration.trusted_nodes import Node
from tests.site_logs import grow, observations, releases, reported

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.loopback,
    pytest.mark.enable_socket,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here: apt install chromium"),
]
NODES = (Node("node-a.example", "Operator A"), Node("node-b.example", "Operator B"))
# Ratios of WCAG 2.2, 1.4.3, of each text with what is behind it.
CONTRAST = """(() => {
  const parts = (text) => [...text.match(/[\\d.]+/g).map(Number), 1].slice(0, 4);
  const light = ([r, g, b]) => [r, g, b].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parts(getComputedStyle(at).backgroundColor);
      if (colour[3] === 1) return colour;
    }
    return [255, 255, 255, 1];
  };
  const bad = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.checkVisibility()) continue;
    if (element.closest("title, .hidden, .skip")) continue;
    const style = getComputedStyle(element);
    const front = parts(element.ownerSVGElement ? style.fill : style.color);
    const [one, other] = [light(front), light(behind(element))].sort((a, b) => b - a);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const ratio = (one + 0.05) / (other + 0.05);
    if (ratio < (large ? 3 : 4.5)) bad.push([walker.currentNode.textContent.trim().slice(0, 40), ratio.toFixed(2)]);
  }
  return bad;
})()"""
TOO_WIDE = """(() => {
  const room = document.documentElement.clientWidth;
  const out = [...document.body.querySelectorAll("*")].filter((element) => {
    if (element.closest(".hidden, .skip, .scroll, defs") || !element.checkVisibility()) return false;
    const at = element.getBoundingClientRect();
    return at.width && (at.right > room + 1 || at.left < -1);
  });
  const shown = out.slice(0, 5).map((element) => element.outerHTML.slice(0, 80));
  return [document.documentElement.scrollWidth - room, shown];
})()"""
CUT_OFF = """[...document.querySelectorAll("svg[viewBox] text")].filter((text) => {
  const box = text.getBBox(), view = text.ownerSVGElement.viewBox.baseVal;
  return box.width && (box.x < 0 || box.y < 0 || box.x + box.width > view.width || box.y + box.height > view.height);
}).map((text) => text.textContent)"""
HEADINGS = "[...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map((one) => Number(one.tagName[1]))"
TABLES = """[...document.querySelectorAll("table")].filter((table) =>
  ![...table.querySelectorAll("th")].every((cell) => cell.scope) || !table.querySelector("th")).length"""
FOCUSED = """(() => { const at = document.activeElement, style = getComputedStyle(at);
  const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
  return [at.tagName, at.className || at.id, outlined]; })()"""
CHANGED = {"path": "demo/a.py", "kind": "content", "class": "code-changed", "detail": "x = 1, not x = 2"}
FOUND = "[...document.querySelectorAll('#found a')].map((link) => link.textContent)"
NAMED = {"link", "button", "textbox", "searchbox", "image", "img", "figure", "navigation", "region", "search"}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two nodes that were at work for months, and the pages about both."""
    root = tmp_path_factory.mktemp("site")
    wanted = releases(420)
    for node in NODES:
        site = root / node.name / "site"
        found = [{**CHANGED, "severity": severity} for severity in ("runs", "installs", "tells", "form")]
        said = [
            reported(item, found, site) if item.observation.result == "mismatch" else item
            for item in observations(node, wanted)
        ]
        grow(node, root / node.name, said, f"https://{node.name}/")
    pages_of_several(root / "out", (), None, [root / node.name for node in NODES])
    return root / "out" / "site"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    return hostile_site(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with browsing(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def page(browser):
    browser.scripts(allowed=True)
    browser.window(1200)
    browser.problems.clear()
    browser.asked.clear()
    return browser


@pytest.fixture(scope="module")
def url(root):
    with served(root) as address:
        yield address


def kinds(site):
    """One page of each kind, and of files one of each result."""
    found = [
        "index.html",
        "search.html?q=re",
        "regressions.html",
        "disagreements.html",
        "check.html",
        "browse/names-.html",
    ]
    found.append(
        max((site / "browse").glob("*.html"), key=lambda path: path.stat().st_size)
        .relative_to(site)
        .as_posix()
    )
    found.append(
        max((site / "project").glob("*.html"), key=lambda path: path.stat().st_size)
        .relative_to(site)
        .as_posix()
    )
    results = {}
    for path in sorted((site / "file").rglob("*.html")):
        text = path.read_text()
        results.setdefault(text[text.index('<div class="verdict') :].split("</strong>")[0], path)
    return found + [path.relative_to(site).as_posix() for path in results.values()]


def test_every_kind_of_page_is_sound(page, root, url):
    """No error, nothing refused, nothing missing, nothing asked for elsewhere; readable in both schemes."""
    wanted = kinds(root)
    assert len(wanted) >= 13
    for path in wanted:
        for dark in (False, True):
            page.window(1200, dark=dark)
            page.open(url + path)
            assert page.evaluate(CONTRAST) == [], (path, dark)
        sequence = page.evaluate(HEADINGS)
        assert sequence.count(1) == 1, path
        assert sequence[0] == 1, path
        assert all(after <= before + 1 for before, after in pairwise(sequence)), (
            path,
            sequence,
        )
        assert page.evaluate(TABLES) == 0, path
        assert page.evaluate("document.documentElement.lang") == "en"
        told = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in page.accessible()]
        assert [
            role
            for role, name in told
            if role in NAMED and not name.strip() and role not in ("search", "figure")
        ] == [], path
        roles = [role for role, _ in told]
        for landmark in ("banner", "main", "contentinfo", "navigation", "search"):
            assert landmark in roles, (path, landmark)
    assert page.problems == []
    assert all(asked.startswith(url) for asked in page.asked)


@pytest.mark.parametrize("width", [320, 390, 1200])
def test_nothing_is_wider_than_the_window(page, root, url, width):
    page.window(width)
    for path in kinds(root):
        page.open(url + path)
        assert page.evaluate(TOO_WIDE) == [0, []], path
        assert page.evaluate(CUT_OFF) == [], path


@pytest.mark.parametrize("width", [390, 1200])
def test_hostile_texts_are_texts(page, hostile, width):
    """No script of theirs runs, nothing of theirs is asked for, and none of them makes a page wider."""
    page.window(width)
    with served(hostile) as url:
        paths = [path.relative_to(hostile).as_posix() for path in sorted(hostile.rglob("*.html"))]
        for path in paths if width == 390 else paths[::5]:
            page.open(url + path)
            assert page.evaluate("document.title") != "owned"
            assert page.evaluate(TOO_WIDE) == [0, []], path
        page.open(f"{url}search.html?q=demo")
        assert page.until(f"{FOUND}.length") == 1
        assert page.problems == []
        assert all(asked.startswith(url) for asked in page.asked)


def test_the_policy_holds_and_is_noticed(page, url):
    """So that what the other tests do not find says something."""
    page.open(url)
    page.evaluate(
        "{ const s = document.createElement('script'); s.textContent = 'window.owned = 1'; document.body.append(s); }"
    )
    page.evaluate(
        "{ const s = document.createElement('img'); s.src = 'https://elsewhere.example/x'; document.body.append(s); }"
    )
    page.evaluate("document.body.setAttribute('style', 'color: red')")
    assert page.evaluate("window.owned") is None
    page.until("document.querySelector('img[src^=https]').complete")
    assert len([problem for problem in page.problems if "ontent" in problem and "olicy" in problem]) >= 3


def test_what_cannot_be_read_is_noticed(page, url):
    """The same, of contrast and of width."""
    page.open(url)
    page.evaluate("document.querySelector('h1').style.color = '#eee'")
    page.evaluate("document.querySelector('.lead').style.backgroundColor = '#5d6673'")
    assert len(page.evaluate(CONTRAST)) == 2
    page.evaluate("document.querySelector('.tiles').style.width = '2000px'")
    beyond, elements = page.evaluate(TOO_WIDE)
    assert beyond > 0
    assert any("tiles" in element for element in elements)


def test_the_search_finds_what_is_typed(page, url):
    page.open(f"{url}search.html")
    assert page.evaluate("document.activeElement.id") == "q"
    page.type("re")
    page.until(f"{FOUND}.includes('requests')")
    page.type("quests")
    page.until(f"{FOUND}.join() === 'requests,types-requests'")
    assert page.evaluate("document.getElementById('said').textContent") == "2 projects."
    page.press("Enter", 13)
    page.until("location.pathname.endsWith('/project/requests.html') && document.readyState === 'complete'")
    assert page.evaluate("document.querySelector('h1').textContent") == "requests"
    assert page.problems == []


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("Zope.Interface", ["zope-interface"]),
        ("interface", ["zope-interface"]),
        ("python_date", ["python-dateutil"]),
        ("nothing-of-the-kind", []),
        ("../../etc", []),
        ("<img src=x>", []),
        ("ΩΩ", []),
    ],
)
def test_names_are_found_however_they_are_written(page, url, typed, found):
    page.open(f"{url}search.html")
    page.type(typed)
    page.until(r"/^(No|\d+) project/.test(document.getElementById('said').textContent)")
    assert page.evaluate(FOUND) == found
    assert page.problems == []


def test_the_field_on_every_page_leads_to_the_search(page, url):
    page.open(f"{url}project/requests.html")
    page.evaluate("document.getElementById('find').focus()")
    page.type("six")
    page.press("Enter", 13)
    page.until("location.pathname.endsWith('/search.html') && document.readyState === 'complete'")
    assert page.until(f"{FOUND}[0]") == "six"
    assert page.problems == []


def test_the_keyboard_alone_is_enough(page, url):
    page.open(f"{url}check.html")
    seen: list[tuple[str, str]] = []
    while not seen or seen[-1][0] != "BODY":
        page.press("Tab", 9)
        tag, name, outlined = page.evaluate(FOCUSED)
        seen.append((tag, name))
        assert outlined or tag == "BODY", (tag, name)
    assert len(seen) > 9
    assert seen[0] == ("A", "skip")
    assert ("INPUT", "find") in seen
    page.open(f"{url}check.html")
    page.press("Tab", 9)
    page.press("Enter", 13)
    page.until("document.activeElement.id === 'content'")


def test_without_scripts_the_letters_are_there(page, url):
    page.scripts(allowed=False)
    page.open(f"{url}search.html")
    told = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in page.accessible()]
    assert ("link", "projects by letter") in told
    page.scripts(allowed=True)
    page.open(f"{url}browse/names-.html")
    links = page.evaluate("[...document.querySelectorAll('main a')].map((link) => link.href)")
    assert links
    assert page.problems == []


def test_from_a_disk_the_pages_work_and_the_search_says_where_to_look(page, root):
    page.open((root / "index.html").as_uri())
    assert "2 nodes of 2 operators" in page.evaluate("document.querySelector('h1').textContent")
    assert page.evaluate("getComputedStyle(document.querySelector('.tiles')).display") == "grid"
    page.open((root / "search.html").as_uri() + "?q=six")
    page.until("/by letter/.test(document.getElementById('said').textContent)")
    target = page.evaluate("document.querySelector('#said a').href")
    assert target == (root / "browse" / "names-.html").as_uri()


def test_the_pictures_of_the_documentation_can_be_made(tmp_path):
    spec = importlib.util.spec_from_file_location("site_pictures", ROOT / "tools" / "site_pictures.py")
    tool = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = tool  # where dataclasses look
    spec.loader.exec_module(tool)
    for made in tool.make(tmp_path):
        committed = ROOT / "docs" / "images" / made.name
        for path in (made, committed):
            assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
            assert path.stat().st_size < 150_000
        assert made.read_bytes()[16:24] == committed.read_bytes()[16:24]  # as wide and as high
