"""The documentation as tests read it: headings, tables, links and examples of a Markdown page."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from custom_components.rtvoice import const

ROOT = Path(const.__file__).parents[2]
DOCS = ROOT / "docs"

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its head and its rows, cell by cell."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def firsts(self) -> list[str]:
        """What the rows are about, as it is read."""
        return [plain(row[0]) for row in self.rows]


@dataclass(frozen=True)
class Page:
    """A page, or a part of one."""

    path: Path
    text: str

    @classmethod
    def load(cls, path: Path) -> Page:
        """A page from its file."""
        return cls(path, path.read_text(encoding="utf-8"))

    @cached_property
    def prose(self) -> str:
        """All but the code, which is blanked."""
        return _FENCE.sub(lambda found: "\n" * found.group().count("\n"), self.text)

    @property
    def anchors(self) -> set[str]:
        """What links may point at, as GitHub makes them."""
        return {anchor(title) for _, title in _HEADING.findall(self.prose)}

    @property
    def links(self) -> list[str]:
        """Where links and images point."""
        return _LINK.findall(self.prose)

    @property
    def examples(self) -> list[Any]:
        """What the YAML in it says."""
        return [yaml.safe_load(code) for language, code in _FENCE.findall(self.text) if language == "yaml"]

    @property
    def tables(self) -> list[Table]:
        """All tables."""
        return list(_tables(self.prose))

    @property
    def terms(self) -> set[str]:
        """What stands by itself: headings, cells, and what is emphasised."""
        headings = {title for _, title in _HEADING.findall(self.prose)}
        cells = {plain(cell) for table in self.tables for row in table.rows for cell in row}
        return headings | cells | set(re.findall(r"\*([^*\n]+)\*", self.prose))

    def table(self, first: str) -> Table:
        """The one table whose first column is called so."""
        (found,) = [table for table in self.tables if table.head[0] == first]
        return found

    def section(self, title: str) -> Page:
        """What stands below a heading, with all that is below its subheadings."""
        headings = list(_HEADING.finditer(self.prose))
        (start,) = [one for one in headings if one.group(2) == title]
        after = (one for one in headings if one.start() > start.start() and len(one.group(1)) <= len(start.group(1)))
        end = next((one.start() for one in after), len(self.prose))
        # Blanked code has as many lines, so the lines tell where the part is in the text.
        first, last = (self.prose.count("\n", 0, position) for position in (start.end(), end))
        return Page(self.path, "\n".join(self.text.split("\n")[first + 1 : last]) + "\n")


def leads_somewhere(page: Page, link: str) -> bool:
    """Whether a link is one to elsewhere, or to a file and a heading that there are."""
    parts = urlsplit(link)
    if parts.scheme:
        return parts.scheme == "https"
    path = (page.path.parent / parts.path).resolve() if parts.path else page.path
    if not path.is_relative_to(ROOT) or not path.exists():
        return False
    return not parts.fragment or parts.fragment in Page.load(path).anchors


def anchor(title: str) -> str:
    """What a heading is called in addresses."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def plain(cell: str) -> str:
    """A cell without marks and links."""
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", cell).strip("*` ")


def _tables(text: str) -> Iterator[Table]:
    for block in re.findall(r"(?:^\|.*\|$\n?)+", text, re.MULTILINE):
        head, _, *rows = [_cells(line) for line in block.strip().split("\n")]
        yield Table(head, tuple(rows))


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in line.strip("|").split("|"))


PAGES = [Page.load(path) for path in (ROOT / "README.md", *sorted(DOCS.glob("*.md")))]
ACTIONS = Page.load(DOCS / "actions.md")
AUTOMATIONS = Page.load(DOCS / "automations.md")
CARD = Page.load(DOCS / "card.md")
ENTITIES = Page.load(DOCS / "entities.md")
MONEY = Page.load(DOCS / "privacy-and-cost.md")
SET_UP = Page.load(DOCS / "set-up.md")
TROUBLE = Page.load(DOCS / "troubleshooting.md")
