"""deploy/, checked by the tools of those who made the formats."""

import re
import sys

import pytest

from tests.tools import run, system_command, tool
from workerlab import ROOT

DEPLOY = ROOT / "deploy"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
# systemd's own scale from 0 (nothing is allowed) to 10; an ordinary unit without hardening: 9.6.
EXPOSURE = 2.0

pytestmark = pytest.mark.slow


def test_hadolint_finds_nothing_in_the_dockerfile():
    run(tool("hadolint"), DEPLOY / "Dockerfile")


def test_hadolint_would_find_something(tmp_path):
    bad = tmp_path / "Dockerfile"
    bad.write_text("FROM python\nCMD gunicorn app:app\n")
    with pytest.raises(AssertionError, match="DL3025"):
        run(tool("hadolint"), bad)


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: path.stem)
def test_kubernetes_knows_every_line_of_a_manifest(manifest):
    said = run(tool("kubernetes-validate"), "--strict", manifest)
    assert "passed for resource" in said


def test_kubernetes_would_find_a_misspelt_line(tmp_path):
    bad = tmp_path / "deployment.yaml"
    text = (DEPLOY / "kubernetes/deployment.yaml").read_text()
    bad.write_text(text.replace("terminationGracePeriodSeconds", "terminationGracePeriod"))
    with pytest.raises(AssertionError, match="terminationGracePeriod"):
        run(tool("kubernetes-validate"), "--strict", bad)


@pytest.mark.parametrize("place", ["host", "compose"])
def test_nginx_accepts_its_configuration(place, tmp_path):
    nginx = system_command("nginx")
    (tmp_path / "nginx.conf").write_text((DEPLOY / "nginx.conf").read_text())
    folder = DEPLOY if place == "host" else DEPLOY / "compose"
    for name in ("site.conf", "servers.conf"):
        # Its test opens the log files and looks up the names: here neither is the real one.
        text = (folder / name).read_text().replace("app:8000", "localhost:8000")
        text = re.sub("/var/log/nginx/|/tmp/", f"{tmp_path}/", text)
        (tmp_path / name).write_text(text)
    options = f"pid {tmp_path}/nginx.pid; error_log stderr;"
    said = run(nginx, "-t", "-e", "stderr", "-c", tmp_path / "nginx.conf", "-g", options)
    assert "test is successful" in said
    assert "[warn]" not in said, said


@pytest.fixture
def unit(tmp_path):
    """The unit with a command that is on this machine: systemd looks whether it can be run."""
    text = (DEPLOY / "gunicorn.service").read_text()
    file = tmp_path / "gunicorn.service"
    file.write_text(text.replace("/opt/example/venv/bin/gunicorn", sys.executable))
    return file


def test_systemd_accepts_the_unit(unit):
    said = run(system_command("systemd-analyze"), "verify", "--man=no", unit)
    # Other units of this machine are none of our business.
    assert "gunicorn.service" not in said, said


def test_systemd_would_name_a_line_that_it_does_not_know(unit):
    unit.write_text(unit.read_text().replace("TimeoutStopSec", "TimeoutStoppSec"))
    said = run(system_command("systemd-analyze"), "verify", "--man=no", unit)
    assert "TimeoutStoppSec" in said


def test_the_unit_is_hardened(unit):
    command = system_command("systemd-analyze")
    said = run(command, "security", "--offline=true", f"--threshold={EXPOSURE * 10:.0f}", unit)
    level = float(re.search(r"Overall exposure level.*?: ([\d.]+)", said).group(1))
    assert level <= EXPOSURE
