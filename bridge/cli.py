"""`vqss`: the composition root. Finds the command, imports only what that command needs, reports errors in one line.

A command is a module with `add_arguments(parser)` and `run(arguments) -> exit code`, and one line in COMMANDS.
"""

from __future__ import annotations

import argparse
import difflib
import errno
import importlib
import io
import os
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

from bridge.console import say
from vqss_engine.errors import UsageError, VQSSError
from vqss_engine.stop_signals import Stopped, end_on_signals, exit_code

COMMANDS: dict[str, tuple[str, str]] = {
    "separate": ("bridge.commands.separate", "split songs into the stems of their clusters"),
    "live": ("bridge.commands.live", "separate what comes in, while it plays"),
    "gui": ("bridge.commands.gui", "the mixer window"),
    "info": ("bridge.commands.info", "what a model bundle holds"),
    "devices": ("bridge.commands.devices", "the audio devices of this machine"),
    "figure": ("bridge.commands.figure", "a picture of what each cluster takes of a song"),
    "listen-page": ("bridge.commands.listen_page", "songs on a web page with a player for each cluster"),
    "osc": ("bridge.commands.osc", "every OSC address of the mixer"),
    "doctor": ("bridge.commands.doctor", "what of this machine is fine, and how to mend the rest"),
    "render": ("bridge.commands.render", "render songs to train on"),
    "train": ("bridge.commands.train", "train a model"),
    "evaluate": ("bridge.commands.evaluate", "score a model on songs whose stems are known"),
    "export": ("bridge.commands.export", "turn a checkpoint into a bundle, or a bundle into ONNX"),
    "bench": ("bridge.commands.bench", "measure latency, cost and exactness on this machine"),
}
WRONG_USAGE = 2


class CommandParser(argparse.ArgumentParser):
    """argparse whose complaints are a UsageError in the program's own one-line form."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("vqss")
    except PackageNotFoundError:
        return "(not installed)"


def _top_parser() -> CommandParser:
    width = max(map(len, COMMANDS)) + 2
    lines = [f"  {name:{width}}{text}" for name, (_, text) in COMMANDS.items()]
    parser = CommandParser(
        prog="vqss", usage="vqss COMMAND ...", allow_abbrev=False,
        description="Split music into learned clusters: songs on disk or live.",
        epilog="\n".join(["commands:", *lines, "", "vqss COMMAND --help tells more of each."]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def command_parser(name: str) -> argparse.ArgumentParser:
    """The parser of one command; imports that command's module."""
    module = importlib.import_module(COMMANDS[name][0])
    parser = CommandParser(prog=f"vqss {name}", description=_sentence(COMMANDS[name][1]), allow_abbrev=False)
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    module.add_arguments(parser)
    parser.set_defaults(run=module.run)
    return parser


def _split(argv: Sequence[str]) -> tuple[list[str], str | None, list[str]]:
    """Options before the command, the command, what follows it."""
    for index, word in enumerate(argv):
        if not word.startswith("-"):
            return list(argv[:index]), word, list(argv[index + 1 :])
    return list(argv), None, []


def _run(argv: Sequence[str]) -> int:
    before, name, rest = _split(argv)
    options = _top_parser().parse_args(before)
    if options.version:
        print(f"vqss {_version()}")
        return 0
    if name is None:
        raise UsageError(f"no command given; choose {', '.join(COMMANDS)}")
    if name not in COMMANDS:
        close = difflib.get_close_matches(name, COMMANDS, 1)
        hint = f"did you mean '{close[0]}'?" if close else f"choose {', '.join(COMMANDS)}"
        raise UsageError(f"unknown command '{name}'; {hint}")
    arguments = command_parser(name).parse_args(rest)
    return int(arguments.run(arguments))


def _open_closed_streams() -> None:
    """A standard stream that the caller has closed leads nowhere; else the next file would take its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - until the end


def _leave_stdout() -> None:
    """Nobody takes our output any more; a second error at exit would say nothing new."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main(argv: Sequence[str] | None = None) -> int:
    """Run `vqss` with `argv` (default: the process's own) and return its exit code."""
    if argv is None:
        _open_closed_streams()
        end_on_signals()
        # Matrices here are small: threads would wait for each other longer than they compute.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # a name the terminal cannot show is no failure
        argv = sys.argv[1:]
    try:
        code = _run(argv)
        sys.stdout.flush()
        return code
    except VQSSError as error:
        if "--debug" in argv:
            traceback.print_exc()
        say(str(error))
        return WRONG_USAGE if isinstance(error, UsageError) else 1
    except (KeyboardInterrupt, Stopped) as stopped:
        say("stopped; unfinished output was removed")
        return exit_code(stopped)
    except BrokenPipeError:
        _leave_stdout()
        return 1
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT) and error.filename is None:
            if "--debug" in argv:
                traceback.print_exc()
            _leave_stdout()
            say(f"cannot write ({error.strerror}); free some space")
            return 1
        if error.filename is None or "--debug" in argv:
            raise
        say(f"cannot use '{error.filename}' ({error.strerror}); check the path, its permissions and the disk")
        return 1
