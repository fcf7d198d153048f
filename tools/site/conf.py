"""How Sphinx makes the site from README.md, docs/ and the notebooks, which stay as they are."""

import functools
import re
import shutil
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.parsers import Parser

ROOT = Path(__file__).resolve().parents[2]
GLOSSARY = "docs/glossary"

PAGES = ["README.md", "deploy/README.md", "docs/*.md"]
NOTEBOOKS = ["lessons/*.ipynb", "exercises/*.ipynb", "solutions/*.ipynb"]
# Files that the pages link to have a page too, with the language they are coloured in.
LANGUAGES = {
    ".py": "python",
    ".yaml": "yaml",
    ".conf": "nginx",
    ".service": "ini",
    ".cfg": "ini",
    ".txt": "text",
}
LINK = re.compile(r"\]\(([^)#:\s]+)")


def linked_files() -> list[str]:
    """The files of LANGUAGES that a page or a notebook links to, as paths from the root."""
    found = set()
    for page in (path for pattern in [*PAGES, *NOTEBOOKS] for path in ROOT.glob(pattern)):
        for target in LINK.findall(page.read_text(encoding="utf-8")):
            path = (page.parent / target).resolve()
            if path.suffix in LANGUAGES and path.is_file():
                found.add(path.relative_to(ROOT).as_posix())
    return sorted(found)


project = "From one worker to many"
html_title = project
root_doc = "README"
include_patterns = [*PAGES, *NOTEBOOKS, *linked_files()]
exclude_patterns = [".*", "mine"]
source_suffix = {
    ".md": "myst-nb",
    ".ipynb": "myst-nb",
    **dict.fromkeys(LANGUAGES, "source-file"),
}

extensions = ["myst_nb"]
nb_execution_mode = "off"
nb_merge_streams = True
myst_heading_anchors = 3

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_use_index = False
html_show_copyright = False

# The order of the lessons, beside every page. On GitHub, README.md's own table has it.
CONTENTS = """

```{toctree}
:hidden:
:caption: Lessons
:glob:

lessons/*
```

```{toctree}
:hidden:
:caption: Exercises
:glob:

exercises/*
```

```{toctree}
:hidden:
:caption: Solutions
:glob:

solutions/*
```

```{toctree}
:hidden:
:caption: Look up

docs/symptoms
docs/glossary
docs/version-facts
deploy/README
```

```{toctree}
:hidden:
:caption: For authors

docs/design
docs/writing-a-lesson
docs/writing-an-exercise
```
"""


class SourceFile(Parser):
    """A page that shows a file as it is."""

    supported = ("source-file",)

    def parse(self, inputstring: str, document: nodes.document) -> None:
        path = Path(document["source"])
        name = path.relative_to(ROOT).as_posix()
        # No page lists it, and that is as it should be.
        orphan = nodes.field("", nodes.field_name("", "orphan"), nodes.field_body())
        code = nodes.literal_block(inputstring, inputstring, language=LANGUAGES[path.suffix])
        section = nodes.section("", nodes.title(name, name), code, ids=["file"])
        document += [nodes.docinfo("", orphan), section]


def prepare(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put what GitHub reads as an anchor as MyST does, and the contents below README.md."""
    source[0] = re.sub(r'^<a id="([\w-]+)"></a>$', r"(\1)=", source[0], flags=re.MULTILINE)
    if docname == root_doc:
        source[0] += CONTENTS
    if docname.startswith("solutions/"):
        # Its title is that of the exercise; in a list of search results, nothing tells them apart.
        source[0] = source[0].replace('"# Exercise ', '"# Solution ', 1)


@functools.cache
def definitions(env: BuildEnvironment) -> dict[str, str]:
    """What the glossary says of each term, by its anchors."""
    found = {}
    for section in env.get_doctree(GLOSSARY).findall(nodes.section):
        paragraph = next(section.findall(nodes.paragraph))
        text = " ".join(paragraph.astext().split()).partition(" Met in ")[0]
        found |= dict.fromkeys(section["ids"], text)
    return found


def explain_terms(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Have a link to a term show its definition under the pointer."""
    for link in doctree.findall(nodes.reference):
        page, _, anchor = link.get("refuri", "").partition("#")
        if link.get("internal") and anchor and page.endswith("glossary.html"):
            link["reftitle"] = definitions(app.env)[anchor]


def add_index(app: Sphinx, exception: Exception | None) -> None:
    """A web server shows index.html first, while the first page is README.md's."""
    if exception is None:
        shutil.copy(Path(app.outdir, "README.html"), Path(app.outdir, "index.html"))


def setup(app: Sphinx) -> None:
    app.add_source_parser(SourceFile)
    app.connect("source-read", prepare)
    app.connect("doctree-resolved", explain_terms)
    app.connect("build-finished", add_index)
