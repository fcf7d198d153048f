"""docs/version-facts.md says of each setting what its probe says, so a new release cannot change
one unnoticed."""

import ast
import re

import pytest
from gunicorn.config import KNOWN_SETTINGS

from workerlab.server import ROOT, settings

# Claims of lesson 06 show these on every run.
SHOWN = {
    "workers",
    "worker_class",
    "timeout",
    "max_requests",
    "max_requests_jitter",
    "keepalive",
    "accesslog",
    "access_log_format",
}


def fact(setting: str) -> str:
    """What the table of docs/version-facts.md says of a setting under UvicornWorker."""
    text = (ROOT / "docs/version-facts.md").read_text()
    rows = re.findall(rf"^\| `{setting}`[^|]*\| ([^|]*) \|", text, re.MULTILINE)
    assert rows, f"docs/version-facts.md has no row for {setting}"
    return rows[0]


@pytest.mark.slow
@pytest.mark.parametrize("setting", settings.PROBES)
def test_the_facts_say_what_the_probe_says(setting: str) -> None:
    found = settings.ask(setting)
    if found == settings.NOT_MEASURABLE:
        pytest.skip(f"{setting}: only root can show it")
    assert fact(setting).startswith(found)


def test_every_setting_of_the_file_is_probed_or_shown() -> None:
    tree = ast.parse((ROOT / "app/gunicorn_conf.py").read_text())
    targets = [s.targets[0] for s in tree.body if isinstance(s, ast.Assign)]
    names = {target.id for target in targets if isinstance(target, ast.Name)}
    assert names == SHOWN | set(settings.PROBES)
    assert names <= {setting.name for setting in KNOWN_SETTINGS}
    assert all(fact(name) for name in names)


@pytest.mark.slow
def test_a_probe_tells_another_worker_class_apart() -> None:
    # Gunicorn's own worker gives its sockets a queue of 100, whatever `backlog` says.
    assert settings.ask("backlog", "asgi") == settings.IGNORED
