"""What this machine lets the experiments have: cores, CPU quota, memory."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import psutil

SYSTEM = Path("/")


def cores_by_affinity() -> int:
    """How many cores this process may run on.

    `os.cpu_count()` counts the machine's cores, also those which `taskset` or a container's cpuset
    has taken away; the affinity does not. macOS has no affinity, so all cores count there.

    Source: https://docs.python.org/3/library/os.html#os.sched_getaffinity
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cpu_quota(system: Path = SYSTEM) -> float | None:
    """How many cores' worth of CPU time this process may use, as a container's limit sets it.

    0.5 means half a second of CPU time in each second. None means that there is no such limit, or
    no control groups. A limit on a group holds for all groups below it, so the lowest one counts.
    `system` is the folder that holds proc and sys.

    Sources: `cpu.max` in https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files,
    `cpu.cfs_quota_us` in https://docs.kernel.org/scheduler/sched-bwc.html#management
    """
    quotas = []
    for group in _groups("cpu", system):
        fields = _read(group / "cpu.max").split()
        if not fields:
            fields = [_read(group / "cpu.cfs_quota_us"), _read(group / "cpu.cfs_period_us")]
        if all(field.isdigit() for field in fields):
            quota, period = map(int, fields)
            quotas.append(quota / period)
    return min(quotas, default=None)


def memory_available(system: Path = SYSTEM) -> int:
    """How many bytes of memory can still be had without swapping, a container's limit included.

    Within a limit the file cache which the kernel can give back counts as available, as in the
    working set by which Kubernetes evicts.

    Sources: https://psutil.readthedocs.io/en/latest/#psutil.virtual_memory,
    https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files,
    https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/
    """
    available = [psutil.virtual_memory().available]
    for group in _groups("memory", system):
        limit = _read(group / "memory.max") or _read(group / "memory.limit_in_bytes")
        usage = _read(group / "memory.current") or _read(group / "memory.usage_in_bytes")
        if limit.isdigit() and usage.isdigit():
            available.append(max(0, int(limit) - int(usage) + _reclaimable(group)))
    return min(available)


def _groups(controller: str, system: Path) -> Iterator[Path]:
    """The folders of this process's control group and of all groups above it.

    In a container the path in /proc/self/cgroup may be the host's, which is not there to read; the
    top folder is then the container's own.

    Source: https://man7.org/linux/man-pages/man7/cgroups.7.html
    """
    for line in _read(system / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        mount = system / "sys/fs/cgroup"
        if controllers:
            if controller not in controllers.split(","):
                continue
            mount /= controller
        group = PurePosixPath(path)
        for folder in (group, *group.parents):
            yield mount / str(folder).lstrip("/")


def _reclaimable(group: Path) -> int:
    fields = dict(line.split() for line in _read(group / "memory.stat").splitlines())
    return int(fields.get("total_inactive_file", fields.get("inactive_file", 0)))


def _read(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
