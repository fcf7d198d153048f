"""The guard: a small process which starts one server and never lets it outlive its notebook.

    python -I -S guard.py SPEC       SPEC: JSON with argv, cwd, log, folder; or with pid

The environment is the server's, with `WORKERLAB_SERVER` naming this one server. With `pid` it
adopts a process which was started without it, in a session of its own.

The notebook's kernel holds the other end of the guard's standard input. When that closes, for
whatever reason (`Server.stop`, a restarted kernel, a crash, SIGKILL), the guard ends the server:
TERM, up to 5 seconds of waiting, then KILL. Then it removes the server's folder and leaves; after
the line `keep` it leaves the folder to the kernel, which wants to read the log.
Guard and server each have a session of their own, so an interrupt of the kernel reaches neither.

The server's processes are found by session, by parent, and by an environment variable, because a
daemonised master and one replaced by USR2 leave their session and their parent.

Standard output carries one line an event: `started PID`, `failed REASON`, `exited CODE LEFT`
(CODE is negative for a signal; LEFT is how many of the server's processes go on).

It starts with nothing but built-in modules, because the reader waits for it. psutil comes later.
"""

import json
import os
import select
import shutil
import signal
import sys
import time

MARKER = "WORKERLAB_SERVER"
GRACE = 5.0  # seconds from TERM to KILL


def main(spec):
    parent = os.getppid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    told = b""
    try:
        leader = spec["pid"] if "pid" in spec else start(spec)
        exited = False
        while "pid" not in spec or exists(leader):
            code = None if exited else exit_code(leader)
            if code is not None:
                exited = True
                tell(f"exited {code} {len(members(os.environ[MARKER], leader, os.getpid()))}")
            # The parent is looked at too: what the kernel forked may hold the pipe open.
            if select.select([0], [], [], 0.05)[0]:
                line = os.read(0, 4096)
                told += line
                if not line:
                    break
            elif os.getppid() != parent:
                break
        end(leader, exited)
    except OSError as error:
        tell(f"failed {error}")
    finally:
        if "folder" in spec and b"keep" not in told:
            shutil.rmtree(spec["folder"], ignore_errors=True)


def start(spec):
    """Start the server in a session of its own, its output in the log; return its pid."""
    log = os.open(spec["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    failed_read, failed_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
                signal.signal(number, signal.SIG_DFL)
            os.dup2(nothing, 0)
            os.dup2(log, 1)
            os.dup2(log, 2)
            os.chdir(spec["cwd"])
            os.execve(spec["argv"][0], spec["argv"], os.environ)
        except OSError as error:
            os.write(failed_write, str(error).encode())
        finally:
            os._exit(127)
    os.close(failed_write)
    os.close(log)
    os.close(nothing)
    # The pipe closes by itself when exec succeeds.
    reason = os.read(failed_read, 4096).decode()
    os.close(failed_read)
    if reason:
        os.waitpid(pid, 0)
        raise OSError(reason)
    tell(f"started {pid}")
    return pid


def exists(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def exit_code(pid):
    """The exit code of a child which has ended (negative: the signal), else None."""
    try:
        ended, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return None
    return os.waitstatus_to_exitcode(status) if ended else None


def members(marker, leader, guard_pid):
    """The server's live processes (psutil.Process), wherever they went."""
    psutil = import_psutil()
    found, others = {}, []
    for process in psutil.process_iter():
        try:
            if process.pid == guard_pid or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if os.getsid(process.pid) == leader or process.environ().get(MARKER) == marker:
                found[process.pid] = process
            else:
                others.append((process, process.ppid()))
        except (psutil.Error, OSError):
            continue
    grown = True
    while grown:
        children = {child.pid: child for child, parent in others if parent in found}
        grown = not children.keys() <= found.keys()
        found.update(children)
    return list(found.values())


def masters(found):
    """Those of the processes whose parent is not among them."""
    psutil = import_psutil()
    pids = {process.pid for process in found}
    top = []
    for process in found:
        try:
            if process.ppid() not in pids:
                top.append(process)
        except psutil.Error:
            continue
    return top


def end(leader, exited):
    """TERM to the masters, a time of waiting, KILL to whatever is left."""
    left = members(os.environ[MARKER], leader, os.getpid())
    for process in masters(left):
        # The workers are their master's to end. One without a master has nobody else.
        send(process.pid, signal.SIGTERM)
        send(process.pid, signal.SIGCONT)
    deadline = time.monotonic() + GRACE
    while left:
        time.sleep(0.005)
        code = None if exited else exit_code(leader)
        if code is not None:
            exited = True
            tell(f"exited {code} 0")
        left = [process for process in left if is_alive(process)]
        # A process may start another while it is being looked for, so look until none is found.
        if not left or time.monotonic() > deadline:
            left = members(os.environ[MARKER], leader, os.getpid())
        if time.monotonic() > deadline:
            for process in left:
                send(process.pid, signal.SIGKILL)


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
        pass  # it has ended


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


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
