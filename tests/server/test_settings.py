"""docs/version-facts.md says of each setting and server what the probe says, so no release changes
one unnoticed. Its defaults, its options and its links are those of the installed releases.
"""

import ast
import importlib.metadata
import importlib.util
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from gunicorn.config import KNOWN_SETTINGS

from tests.notebooks.test_notebooks import anchors
from workerlab.server import ROOT, settings

PAGE = ROOT / "docs/version-facts.md"
ROW = re.compile(r"^\| \[[^]]*\]\(#(\w+)\)[^|]*\|(.*)\|$", re.MULTILINE)
COLUMNS = [
    *(kind.name for kind in settings.KINDS),
    "Gunicorn's default",
    "Uvicorn's default",
    "file",
]
FACTS = {
    setting: dict(zip(COLUMNS, (cell.strip() for cell in cells.split("|")), strict=True))
    for setting, cells in ROW.findall(PAGE.read_text(encoding="utf-8"))
}

every_probe = pytest.mark.parametrize("setting", settings.TRIALS)
every_kind = pytest.mark.parametrize("kind", settings.KINDS, ids=lambda kind: kind.name)
every_fact = pytest.mark.parametrize("setting", FACTS)


@pytest.mark.slow
@every_kind
@every_probe
def test_the_facts_say_what_the_probe_says(setting: str, kind: settings.Kind) -> None:
    found = settings.ask(setting, kind)
    if found == settings.NOT_MEASURABLE:
        pytest.skip(f"{setting}: only root, or only Linux, can show it")
    assert FACTS[setting][kind.name].split(":")[0] == found


# The setting that a probe changes, where it is not named after it.
CHANGED = {
    "held_gil": "timeout",
    "forwarded_for": "forwarded_allow_ips",
    "bind": None,
    "web_concurrency": None,
    "unix_socket": None,
    "killed_worker": None,
    "port_taken": None,
    "import_error": None,
    "lifespan_error": None,
    "ttin_ttou": None,
    "hup_new_code": None,
    "hup_slow_import": None,
    "hup_import_error": None,
    "term": None,
    "int_at_once": None,
    "quit_at_once": None,
}
# Loopback is trusted by default, so this address comes through whatever is set.
ACTS_BY_DEFAULT = {"forwarded_for"}


def where_it_acts() -> list[tuple[str, settings.Kind]]:
    """Each setting that can be kept from a server, with the first on which it acts."""
    found = []
    for setting in settings.TRIALS.keys() - ACTS_BY_DEFAULT:
        acting = [k for k in settings.KINDS if FACTS[setting][k.name].startswith(settings.ACTS)]
        if acting and CHANGED.get(setting, setting):
            found.append((setting, acting[0]))
    return sorted(found, key=lambda pair: pair[0])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "kind"), where_it_acts(), ids=lambda part: getattr(part, "name", part)
)
def test_a_setting_that_the_server_never_hears_of_does_not_act(
    setting: str, kind: settings.Kind
) -> None:
    unheard = {CHANGED.get(setting, setting): ""}
    deaf = replace(kind, spellings={**kind.spellings, **unheard, "no_accesslog": ""})
    found = settings.ask(setting, deaf)
    if found == settings.NOT_MEASURABLE:
        pytest.skip(f"{setting}: only root, or only Linux, can show it")
    assert found in (settings.IGNORED, settings.NO_EFFECT)


def test_an_option_that_uvicorn_lacks_is_not_there() -> None:
    assert settings.ask("threads", settings.UVICORN) == settings.NOT_THERE


def test_each_server_has_a_verdict_of_its_own_somewhere() -> None:
    columns = {tuple(fact[kind.name] for fact in FACTS.values()) for kind in settings.KINDS}
    assert len(columns) == len(settings.KINDS)


@every_fact
def test_a_fact_leads_to_what_follows_from_it(setting: str) -> None:
    assert setting in anchors(PAGE)


def test_every_probe_and_every_setting_of_the_file_has_its_fact() -> None:
    names = {setting.name for setting in KNOWN_SETTINGS}
    assert settings.TRIALS.keys() <= FACTS.keys()
    assert values_of_the_file().keys() <= FACTS.keys() & names


def values_of_the_file() -> dict[str, Any]:
    """What app/gunicorn_conf.py sets; None also where it computes the value, as of bind."""
    tree = ast.parse((ROOT / "app/gunicorn_conf.py").read_text(encoding="utf-8"))
    return {
        statement.targets[0].id: getattr(statement.value, "value", None)
        for statement in tree.body
        if isinstance(statement, ast.Assign)
    }


# Each of these is computed.
NOT_TOLD_AS_IT_IS = {"workers", "user", "group"}


def told(value: Any) -> str:
    """How the table writes a value."""
    written = {None: "unset", False: "off", True: "on"}
    if value is None or isinstance(value, bool):
        return written[value]
    return f"`{','.join(value)}`" if isinstance(value, list) else f"`{value}`"


def is_told(cell: str, value: Any) -> bool:
    """Whether a cell gives this value, or with three dots its beginning."""
    start, dots, _ = cell.partition(" …`")
    return told(value).startswith(start) if dots else cell == told(value)


@pytest.mark.parametrize(
    "setting", sorted(values_of_the_file().keys() - NOT_TOLD_AS_IT_IS - {"bind"})
)
def test_the_value_of_the_file_is_told(setting: str) -> None:
    assert is_told(FACTS[setting]["file"], values_of_the_file()[setting])


@pytest.mark.parametrize(
    "known",
    [s for s in KNOWN_SETTINGS if s.name in FACTS.keys() - NOT_TOLD_AS_IT_IS],
    ids=lambda known: known.name,
)
def test_gunicorns_default_is_told(known: Any) -> None:
    assert is_told(FACTS[known.name]["Gunicorn's default"], known.default)


@every_fact
def test_uvicorns_option_is_told_with_its_default(setting: str) -> None:
    spelling = settings.UVICORN.spellings.get(setting)
    named = re.findall(r"`(--[a-z-]+)`", FACTS[setting]["uvicorn --workers"])
    options = {name: option for option in uvicorn.main.params for name in option.opts}
    switches = {name for option in uvicorn.main.params for name in option.secondary_opts}
    assert set(named) <= options.keys() | switches
    if spelling:
        assert named[0] == spelling.split()[0]
    # Where this is None, Uvicorn finds the value later.
    if len(named) == 1 and named[0] in options and options[named[0]].default is not None:
        assert is_told(FACTS[setting]["Uvicorn's default"], options[named[0]].default)


# Links into the sources

PACKAGES = {
    "benoitc/gunicorn": "gunicorn",
    "Kludex/uvicorn": "uvicorn",
    "Kludex/uvicorn-worker": "uvicorn_worker",
    "Kludex/starlette": "starlette",
    "fastapi/fastapi": "fastapi",
    "agronholm/anyio": "anyio",
    "aio-libs/aiohttp": "aiohttp",
}
LINK = re.compile(
    r"\[`([\w.]+)`[^]]*\]\(https://github\.com/([\w-]+/[\w-]+)/blob/v?([\d.]+)/(?:src/)?"
    r"(\w+)/([\w/.]+)#L(\d+)\)"
)
LINKS = sorted(set(LINK.findall(PAGE.read_text(encoding="utf-8"))))


@pytest.mark.parametrize("link", LINKS, ids=lambda link: f"{link[3]}-{link[0]}")
def test_a_link_leads_to_the_line_in_the_installed_release(link: tuple[str, ...]) -> None:
    name, repository, release, package, file, line = link
    assert PACKAGES[repository] == package
    assert release == importlib.metadata.version(package)
    folder = Path(importlib.util.find_spec(package).origin).parent
    text = (folder / file).read_text(encoding="utf-8").splitlines()[int(line) - 1]
    last = name.split(".")[-1]
    assert re.search(rf"(def|class) {last}\b|^\s*{last}(:| =)", text)


def test_every_link_into_a_pinned_release_names_its_line() -> None:
    text = PAGE.read_text(encoding="utf-8")
    pages = re.findall(r"https://github\.com/([\w-]+/[\w-]+)/blob/", text)
    assert sum(page in PACKAGES for page in pages) == len(LINK.findall(text))
