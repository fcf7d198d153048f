"""Cores, CPU quota and memory, against folders that look like proc and sys."""

import os
from pathlib import Path

import psutil
import pytest

from workerlab import machine


def system(root: Path, own: str, files: dict[str, str]) -> Path:
    """A folder with proc/self/cgroup and the given files below sys/fs/cgroup."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(own)
    for name, content in files.items():
        file = root / "sys/fs/cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return root


@pytest.mark.parametrize(
    ("own", "files", "quota"),
    [
        pytest.param("0::/\n", {"cpu.max": "150000 100000\n"}, 1.5, id="v2-container"),
        pytest.param("0::/\n", {"cpu.max": "max 100000\n"}, None, id="v2-no-limit"),
        pytest.param("0::/\n", {}, None, id="v2-top-without-file"),
        pytest.param(
            "0::/a/b\n",
            {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "50000 100000\n"},
            0.5,
            id="v2-limit-on-the-group-above",
        ),
        pytest.param(
            "0::/a/b\n",
            {"a/b/cpu.max": "400000 100000\n", "a/cpu.max": "200000 100000\n"},
            2.0,
            id="v2-the-lowest-counts",
        ),
        pytest.param(
            "4:memory:/x\n1:cpu,cpuacct:/job\n",
            {"cpu/job/cpu.cfs_quota_us": "25000\n", "cpu/job/cpu.cfs_period_us": "50000\n"},
            0.5,
            id="v1",
        ),
        pytest.param(
            "1:cpu:/\n0::/\n",
            {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"},
            None,
            id="v1-no-limit",
        ),
        pytest.param(
            "1:cpu:/docker/4f1a\n",
            {"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"},
            3.0,
            id="v1-the-path-is-the-hosts",
        ),
        pytest.param(
            "2:cpuset:/\n",
            {"cpuset/cpu.cfs_quota_us": "1000\n", "cpuset/cpu.cfs_period_us": "1000\n"},
            None,
            id="v1-another-controller",
        ),
    ],
)
def test_cpu_quota(tmp_path, own, files, quota):
    assert machine.cpu_quota(system(tmp_path, own, files)) == quota


def test_no_control_groups_no_quota(tmp_path):
    assert machine.cpu_quota(tmp_path) is None


@pytest.mark.parametrize(
    ("own", "files"),
    [
        pytest.param(
            "0::/\n",
            {
                "memory.max": "1000000",
                "memory.current": "900000",
                "memory.stat": "anon 1\ninactive_file 250000\n",
            },
            id="v2",
        ),
        pytest.param(
            "4:memory:/job\n",
            {
                "memory/job/memory.limit_in_bytes": "1000000",
                "memory/job/memory.usage_in_bytes": "900000",
                "memory/job/memory.stat": "inactive_file 1\ntotal_inactive_file 250000\n",
                "memory/memory.limit_in_bytes": str(2**63 - 4096),
                "memory/memory.usage_in_bytes": "950000",
            },
            id="v1",
        ),
    ],
)
def test_memory_within_a_limit(tmp_path, own, files):
    assert machine.memory_available(system(tmp_path, own, files)) == 350_000


def test_memory_without_a_limit_is_the_machines(tmp_path):
    system(tmp_path, "0::/\n", {"memory.max": "max", "memory.current": "1000"})
    available = machine.memory_available(tmp_path)
    assert available == pytest.approx(psutil.virtual_memory().available, rel=0.2)


def test_the_real_machine():
    assert 1 <= machine.cores_by_affinity() <= os.cpu_count()
    assert machine.cpu_quota() is None or machine.cpu_quota() > 0
    assert 0 < machine.memory_available() <= psutil.virtual_memory().total


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
def test_affinity_is_counted_and_not_the_machines_cores():
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert machine.cores_by_affinity() == 1
    finally:
        os.sched_setaffinity(0, allowed)
    assert machine.cores_by_affinity() == len(allowed)


def test_cores_where_there_is_no_affinity(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert machine.cores_by_affinity() == os.cpu_count()
