"""The documentation as data: its pages, its code blocks, and the commands shown in them."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"
PROGRAMS = ("wheelwitness", "rebuilder", "make")

_FENCE = re.compile(
    r"^(?P<fence>```+)(?P<kind>\S*)[^\n]*\n(?P<body>.*?)^(?P=fence)\s*$", re.DOTALL | re.MULTILINE
)
_OPERATORS = frozenset({"|", ";", "&", "&&", "||", "<", ">", ">>", "(", ")"})


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    kind: str
    body: str

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True)
class Command:
    """One of our programs with its arguments, as shown at `place`."""

    place: str
    program: str
    arguments: tuple[str, ...]


def pages() -> list[Path]:
    """Every page of ours in Markdown."""
    top = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")]
    return [*top, *(path for path in sorted(DOCS.rglob("*.md")) if "_build" not in path.parts)]


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text("utf-8")
    for found in _FENCE.finditer(text):
        yield Block(page, text.count("\n", 0, found.start()) + 1, found["kind"], found["body"])


def shown(block: Block) -> Iterator[tuple[str, str]]:
    """Each command line of a block with the output shown after it; blocks of kind `sh` show none."""
    if block.kind in ("sh", "bash", "shell"):
        for line in block.body.replace("\\\n", " ").splitlines():
            if line.strip() and not line.lstrip().startswith("#"):
                yield line.strip(), ""
    if block.kind == "console":
        for part in re.split(r"^\$ ", block.body.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
            line, _, output = part.partition("\n")
            yield line, output


def commands(block: Block) -> Iterator[Command]:
    """Our programs in a block, wherever they stand in a line."""
    for line, _ in shown(block):
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        word: list[str] = []
        for token in [*lexer, ";"]:
            if token in _OPERATORS:
                yield from _command(word, block.place)
                word = []
            else:
                word.append(token)


def _command(words: list[str], place: str) -> Iterator[Command]:
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    if words and words[0] in ("xargs", "sudo", "env"):
        words = words[1:]
    if words and Path(words[0]).name in PROGRAMS:
        yield Command(place, Path(words[0]).name, tuple(words[1:]))
