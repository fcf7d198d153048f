"""app/gunicorn_conf.py: what it makes of the environment, and of a container's CPU quota."""

import math
import os
import runpy
from pathlib import Path

import pytest

from tests.test_machine import system
from workerlab import ROOT, machine

FILE = ROOT / "app/gunicorn_conf.py"


def settings(monkeypatch: pytest.MonkeyPatch, **environment: str) -> dict:
    for name in ("WORKERS", "BIND"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(FILE))


def test_by_default_it_listens_on_this_machine_only_and_recycles_nobody(monkeypatch):
    read = settings(monkeypatch)
    assert read["bind"] == "127.0.0.1:8000"
    assert read["max_requests"] == 0


def test_a_container_names_its_address(monkeypatch):
    assert settings(monkeypatch, BIND="0.0.0.0:80")["bind"] == "0.0.0.0:80"


def test_by_default_one_worker_for_each_core_that_it_may_use(monkeypatch):
    quota = machine.cpu_quota() or math.inf
    expected = max(1, math.ceil(min(machine.cores_by_affinity(), quota)))
    assert settings(monkeypatch)["workers"] == expected


def test_an_empty_variable_counts_as_unset(monkeypatch):
    usual = settings(monkeypatch)
    empty = settings(monkeypatch, WORKERS="", BIND="")
    assert (empty["workers"], empty["bind"]) == (usual["workers"], usual["bind"])


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
def test_a_core_that_it_may_not_use_gets_no_worker(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0})
    assert settings(monkeypatch)["workers"] == 1


@pytest.mark.parametrize(
    ("own", "files"),
    [
        pytest.param("0::/\n", {"cpu.max": "150000 100000\n"}, id="v2"),
        pytest.param("0::/\n", {"cpu.max": "max 100000\n"}, id="v2-no-limit"),
        pytest.param("0::/\n", {}, id="no-file"),
        pytest.param(
            "0::/a/b\n",
            {"a/b/cpu.max": "400000 100000\n", "a/cpu.max": "50000 100000\n"},
            id="v2-limit-on-the-group-above",
        ),
        pytest.param(
            "4:memory:/x\n1:cpu,cpuacct:/job\n",
            {"cpu/job/cpu.cfs_quota_us": "25000\n", "cpu/job/cpu.cfs_period_us": "50000\n"},
            id="v1",
        ),
        pytest.param(
            "1:cpu:/\n0::/\n",
            {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"},
            id="v1-no-limit",
        ),
        pytest.param(
            "1:cpu:/docker/4f1a\n",
            {"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"},
            id="v1-the-path-is-the-hosts",
        ),
        pytest.param(
            "2:cpuset:/\n",
            {"cpuset/cpu.cfs_quota_us": "1000\n", "cpuset/cpu.cfs_period_us": "1000\n"},
            id="v1-another-controller",
        ),
    ],
)
def test_it_reads_a_quota_as_the_kit_does(monkeypatch, tmp_path: Path, own: str, files: dict):
    root = system(tmp_path, own, files)
    expected = machine.cpu_quota(root) or math.inf
    assert settings(monkeypatch)["cpu_quota"](root) == expected


def test_where_there_are_no_control_groups_there_is_no_quota(monkeypatch, tmp_path):
    assert settings(monkeypatch)["cpu_quota"](tmp_path) == math.inf
