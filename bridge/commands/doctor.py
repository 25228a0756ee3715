"""`vqss doctor`: what of this machine is fine, and how to mend the rest."""

from __future__ import annotations

import argparse

from bridge.commands import options
from bridge.console import print_json
from bridge.doctor import exit_code, format_text, run_doctor, to_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    checks = run_doctor()
    if arguments.json:
        print_json(to_json(checks))
    else:
        print(format_text(checks))
    return exit_code(checks)
