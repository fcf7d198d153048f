"""The guard: a small process that starts one server and never lets it outlive its notebook.

    main(OWNER, FOLDER, CWD, LOG)
    main(OWNER, PID)

It runs without site-packages (`python -I -S`), in the server's environment, where
`WORKERLAB_SERVER` names this one server. The server's command is read from standard input, for
whoever looks for a server by its command line must not find the guard: a line with its length in
bytes, then its words, separated by zero bytes. With PID the guard adopts a process that was started
without it, in a separate session.

The owner is the notebook's kernel; it holds the other end of the guard's standard input. When that
closes, for whatever reason (a restarted kernel, a crash, SIGKILL), or the owner is gone, or writes
`stop SECONDS`, the guard ends the server: TERM, up to that many seconds of waiting (4 unless
told), then KILL. Then it removes the server's folder and leaves.
Guard and server each have a session of their own, so an interrupt of the kernel reaches neither.

The server's processes are found by session, by parent, and by an environment variable, because a
daemonised master and one replaced by USR2 leave their session and their parent.

Standard output carries one line an event: `started PID` or `failed REASON`; `exited CODE` when the
process that was started has ended (CODE is negative for a signal); `gone` when no process of the
server is left.

Nobody guards the guard. Where it alone is killed, the kernel ends the server upon `Server.stop`;
where both are killed, the server goes on, and `./learn doctor` names it.

The reader waits for the start, and `signal` and `select` take longer to import than Python takes to
start. So these and others are imported in the functions that use them, after the start.
"""

import os
import sys

MARKER = "WORKERLAB_SERVER"
GRACE = 4.0  # seconds from TERM to KILL
NOBODY = -1  # in place of a pid
GIVE_UP = 8.0  # seconds from the first KILL to giving up what does not end


# What a server shall not inherit as ignored: HUP, INT, PIPE (which Python ignores), TERM.
SIGNALS = (1, 2, 13, 15)


def main(owner, *rest):
    if len(rest) == 1:
        ignore_signals()
        guard_another(int(rest[0]), int(owner))
    else:
        guard_own(int(owner), *rest)


def guard_own(owner, folder, cwd, log):
    """Start the server, guard it until it has to end, and remove its folder."""
    try:
        leader = start(read_command(), cwd, log)
        ignore_signals()
        guard_leader(leader, owner)
    except OSError as error:
        tell(f"failed {error}")
    finally:
        import shutil

        shutil.rmtree(folder, ignore_errors=True)


def ignore_signals():
    """Take no notice of a signal to end: what ends the guard is the end of its owner."""
    import signal

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def read_command():
    """The words of the server's command. Raises OSError where the owner has gone."""
    length = b""
    while not length.endswith(b"\n"):
        length += read_exactly(1)
    return [os.fsdecode(word) for word in read_exactly(int(length)).split(b"\0")]


def read_exactly(count):
    data = b""
    while len(data) < count:
        part = os.read(0, count - len(data))
        if not part:
            raise OSError("the owner has gone")
        data += part
    return data


def guard_leader(leader, owner):
    """Guard the server whose first process is `leader`, a child of this one."""
    watch, grace = Watch(leader), None
    while grace is None:
        watch.look()
        grace = time_to_stop(owner)
    # Once it is gone, its number may be another's. Something may have started it again, though.
    leader = NOBODY if watch.gone else leader
    end(watch.marker, leader, os.getpid(), grace, watch.look_at_leader)
    watch.look_at_leader()


class Watch:
    """What becomes of the server; each event is told once."""

    def __init__(self, leader):
        self.marker = os.environ[MARKER]
        self.leader = leader
        self.exited = False
        self.gone = False
        self._left = []

    def look_at_leader(self):
        code = None if self.exited else exit_code(self.leader)
        if code is not None:
            self.exited = True
            tell(f"exited {code}")

    def look(self):
        self.look_at_leader()
        if self.exited and not self.gone:
            # Looking at known processes costs less than looking for unknown ones.
            self._left = [process for process in self._left if is_alive(process)]
            self._left = self._left or members(self.marker, self.leader, os.getpid())
            if not self._left:
                self.gone = True
                tell("gone")


def guard_another(leader, owner):
    """Guard a process that its owner started, until it has been waited for or has to end."""
    grace = None
    while grace is None and exists(leader):
        grace = time_to_stop(owner)
    end(os.environ[MARKER], leader, os.getpid(), GRACE if grace is None else grace)


def start(argv, cwd, log):
    """Start the server in a session of its own, its output in the log; return its pid."""
    os.chdir(cwd)
    output = [log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600]
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, *output),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    pid = os.posix_spawn(
        argv[0], argv, os.environ, file_actions=files, setsid=True, setsigdef=SIGNALS
    )
    tell(f"started {pid}")
    return pid


def time_to_stop(owner):
    """None to go on; else the seconds from TERM to KILL. Waits for up to 50 ms."""
    import select

    if select.select([0], [], [], 0.05)[0]:
        words = os.read(0, 4096).split()
        return float(words[1]) if words else GRACE
    # What the kernel forked may hold the pipe open after the kernel's end.
    return None if os.getppid() == owner else GRACE


def exists(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def exit_code(pid):
    """The exit code of a child that has ended (negative: the signal), else None."""
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def members(marker, leader, guard_pid):
    """The server's live processes (psutil.Process), wherever they went, without its guard."""
    # What forks and exits while it is being looked for is found by looking again.
    return find(marker, leader, guard_pid) or find(marker, leader, guard_pid)


def find(marker, leader, guard_pid):
    psutil = import_psutil()
    found, others = {}, []
    for process in psutil.process_iter():
        try:
            if process.pid == guard_pid:
                continue
            if os.getsid(process.pid) == leader or environment(process).get(MARKER) == marker:
                found[process.pid] = process
            else:
                others.append(process)
        except (psutil.Error, OSError):
            continue
    parents = {process.pid: parent(process) for process in others} if found else {}
    grown = True
    while grown:
        children = {process.pid: process for process in others if parents.get(process.pid) in found}
        grown = not children.keys() <= found.keys()
        found.update(children)
    return [process for process in found.values() if is_alive(process)]


def parent(process):
    """The pid of its parent; NOBODY's if it has ended."""
    psutil = import_psutil()
    try:
        return process.ppid()
    except psutil.Error:
        return NOBODY


def environment(process):
    """Its variables; none where they are not for this user to read."""
    psutil = import_psutil()
    try:
        return process.environ()
    except psutil.AccessDenied:
        return {}


def masters(found):
    """Those of the processes whose parent is not among them."""
    pids = {NOBODY, *(process.pid for process in found)}  # one that has ended is nobody's master
    return [process for process in found if parent(process) not in pids]


def end(marker, leader, guard_pid, grace, look=lambda: None):
    """TERM to the masters, up to `grace` seconds of waiting, KILL to whatever is left.

    What is there `GIVE_UP` seconds later is given up. `look` is called again and again meanwhile.
    """
    import signal
    import time

    left = members(marker, leader, guard_pid)
    told = set()
    deadline = time.monotonic() + grace
    while left:
        # The workers are their master's to end. One without a master has nobody else.
        for process in masters(left):
            if process.pid not in told:
                told.add(process.pid)
                send(process.pid, signal.SIGTERM)
                send(process.pid, signal.SIGCONT)
        time.sleep(0.005)
        look()
        left = [process for process in left if is_alive(process)]
        # A process may start another while it is being looked for, so look until none is found.
        if not left or time.monotonic() > deadline:
            left = members(marker, leader, guard_pid)
        if time.monotonic() > deadline:
            for process in left:
                send(process.pid, signal.SIGKILL)
        if time.monotonic() > deadline + GIVE_UP:
            return


def is_alive(process):
    psutil = import_psutil()
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def send(pid, number):
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass  # it has ended, or belongs to another user


def import_psutil():
    if "psutil" not in sys.modules:
        import site

        site.main()  # what -S left out: the environment's site-packages
    import psutil

    return psutil


def tell(line):
    try:
        os.write(1, (line + "\n").encode())
    except OSError:
        pass  # the kernel is gone
