"""`vqss osc`: every OSC address there is, from the parameters themselves; and Ardour as a surface."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from bridge.commands import options
from bridge.console import print_json, print_table, say

if TYPE_CHECKING:
    from vqss_engine.control import ControlSurface

FORMS = ("table", "markdown", "open-stage-control", "reaper")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_model(parser)
    parser.add_argument(
        "--connect", metavar="HOST:PORT", help="the addresses of a VQSS that runs there, with its effects"
    )
    parser.add_argument(
        "--as", choices=FORMS, default="table", dest="form", metavar="FORM",
        help=f"print as {', '.join(FORMS)}; the last two are surfaces for these programs (default: table)",
    )  # fmt: skip
    parser.add_argument(
        "--ardour", nargs="?", const="", metavar="HOST:PORT",
        help="join the strips of this Ardour (default: 127.0.0.1:3819) with the VQSS at --connect, until stopped",
    )  # fmt: skip
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.ardour is not None:
        return _join_ardour(arguments.ardour, arguments.connect or "")
    from bridge.osc_layouts import open_stage_control, reaper
    from bridge.osc_table import as_data, markdown, text_rows

    surface = _surface(arguments)
    printers: dict[str, Callable[[ControlSurface], str]] = {
        "markdown": markdown, "open-stage-control": open_stage_control, "reaper": reaper
    }  # fmt: skip
    if arguments.json:
        print_json(as_data(surface))
    elif arguments.form == "table":
        print_table(text_rows(surface))
    else:
        print(printers[arguments.form](surface), end="")
    return 0


def _surface(arguments: argparse.Namespace) -> ControlSurface:
    """That of the running engine, else a new one with the model's clusters."""
    if arguments.connect:
        from bridge.osc_mirror import fetch_description, mirror_of, update
        from bridge.osc_sockets import host_and_port

        tree = fetch_description(*host_and_port(arguments.connect))
        mirror = mirror_of(tree)
        update(mirror, tree, None)
        return mirror
    from vqss_engine.bundle import ModelBundle
    from vqss_engine.control import ControlSurface

    bundle = ModelBundle.load(arguments.model)
    return ControlSurface(bundle.config.clusters, bundle.cluster_names, bundle.cluster_colors)


def _join_ardour(ardour: str, mixer: str) -> int:
    """Relay between Ardour and a running engine until Ctrl-C; says on stderr when one of them comes or goes."""
    from bridge.ardour import DEFAULT_PORT, ArdourSurface
    from bridge.osc_client import RemoteControl
    from bridge.osc_sockets import address_text, host_and_port

    control = RemoteControl(*host_and_port(mixer))
    control.connect()
    host, port = host_and_port(ardour, port=DEFAULT_PORT)
    surface = ArdourSurface(control, host, port)
    surface.start()
    places, before = (address_text(control.host, control.port), address_text(host, port)), None
    try:
        while True:
            now = (control.connected, surface.connected)
            if now != before:
                say(f"VQSS at {places[0]} {_state(now[0])}, Ardour at {places[1]} {_state(now[1])}")
                before = now
            time.sleep(0.5)
    except KeyboardInterrupt:
        return 0
    finally:
        surface.close()
        control.close()


def _state(connected: bool) -> str:
    return "is connected" if connected else "does not answer (yet)"
