"""./learn test --deploy: what is missing is a sentence, and nothing runs."""

import os
import shutil

import pytest

from workerlab import ROOT
from workerlab.course import cli, deploy, test


@pytest.fixture
def complete(monkeypatch, tmp_path):
    """A Debian with all the packages, and root; the file that says it is a Debian."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name, path: name)
    file = tmp_path / "debian_version"
    file.touch()
    return file


def test_nothing_is_missing(complete):
    assert deploy.what_is_missing(complete) == ""


def test_another_system_is_told_first(complete, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name, path: None)
    complete.unlink()
    assert "isn't a Debian" in deploy.what_is_missing(complete)


def test_a_client_is_no_engine(complete, monkeypatch):
    installed = ("docker", "kubectl", "runc", "iptables")
    monkeypatch.setattr(shutil, "which", lambda name, path: name if name in installed else None)
    said = deploy.what_is_missing(complete)
    assert said.endswith(
        "apt-get install --no-install-recommends"
        " podman buildah catatonit mmdebstrap netavark aardvark-dns"
    )


def test_root_is_needed(complete, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "sudo ./learn test --deploy" in deploy.what_is_missing(complete)


def test_what_is_missing_is_one_line_and_a_status(monkeypatch, capsys):
    monkeypatch.setattr(deploy, "what_is_missing", lambda: "--deploy needs root.")
    monkeypatch.setattr(test, "call", lambda command: pytest.fail("it ran"))
    assert cli.main(["test", "--deploy"]) == deploy.CANNOT_RUN
    assert capsys.readouterr().err == "learn: --deploy needs root.\n"


def test_further_arguments_go_to_pytest(monkeypatch, capsys):
    commands = []
    monkeypatch.setattr(deploy, "what_is_missing", lambda: "")
    monkeypatch.setattr(test, "call", lambda command: commands.append(command) or 0)
    assert cli.main(["test", "--deploy", "-k", "unit"]) == 0
    assert commands[0][-2:] == ["-k", "unit"]
    assert set(deploy.TESTS) < set(commands[0])
    assert "minutes" in capsys.readouterr().out


def test_no_other_run_collects_them_and_each_is_named():
    folder = ROOT / "tests/deploy/live"
    files = {f"tests/deploy/live/{path.name}" for path in folder.glob("*.py")}
    helpers = {f"tests/deploy/live/{name}.py" for name in ("__init__", "conftest", "engine")}
    assert files - helpers == set(deploy.TESTS)
    assert not any(name.rpartition("/")[2].startswith("test_") for name in files)


def test_all_and_deploy_exclude_each_other():
    with pytest.raises(SystemExit):
        cli.main(["test", "--deploy", "--all"])
