"""The commands of ./learn, which has made the environment before it comes here."""

import argparse
import errno
import os
import resource
import signal
import sys
from pathlib import Path

from workerlab.report import options as report_options

INTERRUPTED = 130  # as a shell has it: 128 and the number of SIGINT


def main(arguments: list[str] | None = None) -> int:
    parser = build_parser()
    options, further = parser.parse_known_args(arguments)
    if further and options.run is not test:
        parser.error(f"unrecognized arguments: {' '.join(further)}")
    options.further = further
    return options.run(options)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./learn",
        allow_abbrev=False,
        description="Open JupyterLab on your next unfinished notebook, or run a command.",
    )
    parser.set_defaults(run=start)
    parser.add_argument("--no-browser", action="store_true", help="print the address only")
    parser.add_argument("--port", type=port, metavar="N", help="8888, or the next free one")
    parser.add_argument("--allow-root", action="store_true", help="serve as root, in a container")

    commands = parser.add_subparsers(metavar="COMMAND")
    command = commands.add_parser(
        "test",
        allow_abbrev=False,
        help="run the notebooks and the unit tests",
        description="Run the notebooks and the unit tests; further arguments go to pytest.",
    )
    which = command.add_mutually_exclusive_group()
    which.add_argument("--all", action="store_true", help="run the slow tests as well")
    which.add_argument(
        "--deploy",
        action="store_true",
        help="run the files of deploy/ in containers instead; needs root, and packages of Debian",
    )
    command.set_defaults(run=test)
    command = commands.add_parser(
        "check",
        help="check your saved exercises, all or the named ones",
        description="Run the checks of your exercises in mine/, as they are saved.",
    )
    command.add_argument("names", nargs="*", metavar="NN", help="01, 1 or 01_one_worker")
    command.set_defaults(run=check)
    command = commands.add_parser("progress", help="show which tasks are done")
    command.set_defaults(run=progress)
    command = commands.add_parser(
        "reset",
        help="replace an exercise with a clean copy, and keep yours next to it",
        description="Replace an exercise in mine/ with a clean copy; yours is kept next to it.",
    )
    command.add_argument("name", metavar="NN", help="01; for a lesson: lessons/01")
    command.set_defaults(run=reset)
    report_options.add_to(commands).set_defaults(run=report)
    command = commands.add_parser("update", help="get the newest version, and bring it to mine/")
    command.set_defaults(run=update)
    command = commands.add_parser("doctor", help="check this machine and the environment")
    command.set_defaults(run=doctor)
    command = commands.add_parser("pin", help="renew constraints.txt from requirements.txt")
    command.set_defaults(run=pin)
    return parser


def port(text: str) -> int:
    if text.isdecimal() and 0 < int(text) < 65536:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port: 1 to 65535")


def start(options: argparse.Namespace) -> int:
    from workerlab.course import jupyter, workspace

    workspace.extend()
    jupyter.serve(
        workspace.next_notebook(),
        port=options.port,
        browser=not options.no_browser,
        allow_root=options.allow_root,
    )
    return 0


def test(options: argparse.Namespace) -> int:
    from workerlab.course import deploy, test

    if options.deploy:
        return deploy.run(options.further)
    return test.run(options.further, slow=options.all)


def check(options: argparse.Namespace) -> int:
    from workerlab.course import check

    return check.run(options.names)


def progress(options: argparse.Namespace) -> int:
    from workerlab.course import progress

    return progress.show()


def reset(options: argparse.Namespace) -> int:
    from workerlab.course import workspace

    return workspace.reset(options.name)


def report(options: argparse.Namespace) -> int:
    try:
        from workerlab.report import command

        return command.run(options)
    except KeyboardInterrupt:
        print("\nlearn: Stopped. Nothing is left running, and no page is written.", file=sys.stderr)
        return INTERRUPTED


def update(options: argparse.Namespace) -> int:
    from workerlab.course import update

    return update.run()


def doctor(options: argparse.Namespace) -> int:
    from workerlab.course import doctor

    return doctor.run()


def pin(options: argparse.Namespace) -> int:
    from workerlab.course import pins

    return pins.renew()


def allow_open_files(wanted: int = 4096) -> None:
    """Let kernels and servers have as many connections as JupyterLab's own: macOS begins at 256."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def drop_output() -> None:
    """Let what is left of the output go: Python would fail with a traceback when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    # A terminal that cannot show a tick gets a different sign, not a traceback.
    sys.stdout.reconfigure(errors="replace")
    allow_open_files()
    try:
        # learn has held it back.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        try:
            sys.exit(main())
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except ImportError as error:
        if (error.name or "").partition(".")[0] in ("app", "workerlab"):
            raise
        # Without it the next start makes the environment anew.
        Path(sys.prefix, "learn-stamp").unlink(missing_ok=True)
        sys.exit(f"learn: .venv is damaged ({error}); run the command again to rebuild it.")
    except BrokenPipeError:  # `./learn check | head` has seen enough
        drop_output()
        sys.exit(141)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        drop_output()
        sys.exit("learn: the disk is full; not everything could be written.")
