"""psutil with other numbers for the processes: here a child's pid is smaller than its parent's.

Most of the time it is the other way round, until the pids start again from the beginning. The
processes are the same, only their numbers are changed. A real pid, as other programs and the
servers tell it, is taken as well, and psutil then answers with real pids.
"""

from types import SimpleNamespace
from typing import Any

# More than twice Linux's largest pid (4,194,304, see proc(5)): no number has two meanings.
SUM = 10_000_000


def renumbered(pid: int) -> int:
    """The other number of a process; 0 and 1 stay, from which psutil knows the first process."""
    return pid if pid < 2 else SUM - pid


def prepare() -> None:
    """Have psutil use the other numbers in this process from now on."""
    import psutil

    system = psutil._psplatform

    class Process(system.Process):
        __slots__ = ("_is_renumbered",)

        def __init__(self, pid: int) -> None:
            self._is_renumbered = pid > SUM // 2
            super().__init__(renumbered(pid) if self._is_renumbered else pid)

        def ppid(self) -> int:
            real = super().ppid()
            return renumbered(real) if self._is_renumbered else real

    def pids() -> list[int]:
        return [renumbered(pid) for pid in system.pids()]

    def pid_exists(pid: int) -> bool:
        return system.pid_exists(renumbered(pid) if pid > SUM // 2 else pid)

    def ppid_map() -> dict[int, int]:
        real = ppid_map_of_the_system()
        return real | {renumbered(pid): renumbered(parent) for pid, parent in real.items()}

    def net_connections(kind: str = "inet") -> list[Any]:
        found = system.net_connections(kind)
        return [one._replace(pid=one.pid and renumbered(one.pid)) for one in found]

    ppid_map_of_the_system = psutil._ppid_map
    changed = [Process, pids, pid_exists, net_connections]
    psutil._psplatform = SimpleNamespace(**vars(system))
    vars(psutil._psplatform).update({one.__name__: one for one in changed})
    psutil._ppid_map = ppid_map
