"""The pages that people read, and the commands, links and headings in them."""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]
DOCS = PROJECT / "docs"
RUNBOOKS = tuple(sorted(path for path in (DOCS / "runbooks").glob("*.md") if path.name != "README.md"))
PAGES = (PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md")))

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"(^|\s+)#\s.*$")
_SPAN = re.compile(r"`(govern [^`]+)`")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", flags=re.MULTILINE)

PLACEHOLDERS = {
    "MODEL": "claim",
    "VIEW": "seller",
    "DIGEST": "a7dce958392b",
    "DAY": "2024-02-01",
    "FROM..TO": "2024-02-01..2024-02-04",
    "MONDAY": "2024-02-05",
    "NAME": "ana",
    "SECOND": "ben",
}
"""What the words in capitals of the runbooks stand for, where only the form of a command is looked at."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a page's fenced shell blocks, comments left out and continued lines joined."""

    page: Path
    text: str

    @property
    def program(self) -> str:
        """Its first word."""
        return self.text.split()[0]

    def words(self, meanings: Mapping[str, str] = PLACEHOLDERS) -> list[str]:
        """The words after the program, with the placeholders replaced."""
        return [meanings.get(word, word) for word in shlex.split(self.text)[1:]]

    def __str__(self) -> str:
        return f"{self.page.relative_to(PROJECT)}: {self.text}"


def commands(page: Path) -> Iterator[Command]:
    """Every command of the `sh` and `console` blocks, in order."""
    for language, block in _FENCE.findall(page.read_text(encoding="utf-8")):
        if language not in ("sh", "console"):
            continue
        for line in block.replace("\\\n", " ").splitlines():
            if text := _COMMENT.sub("", line).strip():
                yield Command(page, text)


def mentions(page: Path) -> Iterator[str]:
    """Every `govern ...` that stands in the middle of a sentence."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    return (" ".join(found.split()) for found in _SPAN.findall(text))


def links(page: Path) -> list[str]:
    """The targets of every link and picture that lie in this project."""
    found = _LINK.findall(_FENCE.sub("", page.read_text(encoding="utf-8")))
    return [target for target in found if not target.startswith(("http:", "https:", "mailto:"))]


def anchors(page: Path) -> set[str]:
    """What a link may name behind `#`: headings in lower case, spaces as hyphens, without punctuation."""
    headings = _HEADING.findall(_FENCE.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def files_shown(page: Path) -> dict[str, str]:
    """The blocks that a page shows as files, by the path in front of each."""
    text = page.read_text(encoding="utf-8")
    return dict(re.findall(r"`([\w/]+\.\w+)`:\n\n```\w+\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL))
