"""README.md and docs/: every link leads somewhere, and every term of the glossary is used."""

import re
from pathlib import Path

import pytest

from tests.notebooks.test_notebooks import NOTEBOOKS, anchors, read
from tools import lesson_pictures
from workerlab import ROOT
from workerlab.course import notebooks

GLOSSARY = ROOT / "docs/glossary.md"
PAGES = [ROOT / "README.md", ROOT / "deploy/README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"""(?:\]\(|(?:href|src)=")([^)#:"\s]*)(?:\#([^)"\s]*))?[)"]""")

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


def links_in(text: str) -> list[tuple[str, str]]:
    """Path and anchor of each link within the repository; code is none."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
    return [link for link in LINK.findall(text) if any(link)]


@every_page
def test_links_lead_somewhere(page):
    for target, anchor in links_in(page.read_text(encoding="utf-8")):
        place = (page.parent / target).resolve() if target else page
        assert place.exists(), target
        assert place.is_relative_to(ROOT), target
        if anchor and place.suffix == ".md":
            assert anchor in anchors(place), f"{target}#{anchor}"


def terms_linked_by(path: Path) -> set[str]:
    if path.suffix == ".ipynb":
        texts = [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]
    else:
        texts = [path.read_text(encoding="utf-8")]
    found = [link for text in texts for link in links_in(text)]
    same = {anchor for target, anchor in found if not target and path == GLOSSARY}
    return same | {anchor for target, anchor in found if target.endswith("glossary.md")}


def test_every_term_of_the_glossary_is_used():
    used = set().union(*(terms_linked_by(path) for path in [*NOTEBOOKS, *PAGES]))
    # A heading with an anchor of its own counts once.
    terms = {term for term in anchors(GLOSSARY) if term != "glossary"}
    assert not terms - used


def test_a_link_that_leads_nowhere_would_be_noticed():
    text = '[a](docs/no.md#x) `[b](c)` <a href="d#e"> [f](https://g) [h](#i)\n```\n[j](k)\n```\n'
    assert links_in(text) == [("docs/no.md", "x"), ("d", "e"), ("", "i")]


def test_the_readme_has_a_picture_of_each_lesson():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for lesson in notebooks.find(ROOT / "lessons"):
        name = lesson.stem
        assert re.search(rf"!\[[^]]+\]\(docs/pictures/lessons/{name}\.png\)", readme), name
        picture = lesson_pictures.FOLDER / f"{name}.png"
        assert picture.read_bytes() == lesson_pictures.stored(name), "python tools/refresh.py"
