"""`vqss live`: separate what comes in from an audio interface, another program or a song, while it plays.

Threads: the caller's runs the session, and the signals' handlers interrupt it; `live-stop` is what they start to ask
the session to end, and may block. `end-after` reads stdin where the run is to end with it.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from bridge.audio_limits import HIGHEST_RATE_HZ, LOWEST_DEVICE_RATE_HZ
from bridge.commands import options
from bridge.console import print_json, say
from vqss_engine.errors import UsageError, VQSSError
from vqss_engine.stop_signals import end_after, end_if_asked, ending_signals

if TYPE_CHECKING:
    from bridge.automation import Automation
    from bridge.live_device import Device
    from bridge.live_session import LiveSession, OpenDevice
    from bridge.osc_server import OscServer
    from bridge.rack_host import RackHost
    from vqss_engine.engine import Engine

NO_OSC = "none"
RING_OUT_S = 1.0
"""After the end of a song that is mixed down: what the engine delays is heard whole, and echoes die away."""


def add_arguments(
    parser: argparse.ArgumentParser, osc: str = "default 127.0.0.1:9000; none: no OSC", racks: str = "default: --music",
    freewheel: str = "without a device: as fast as the engine goes, every frame exact, to the end of the song",
) -> None:
    """`osc`, `racks`: what is told of their defaults; `freewheel`: of that option."""
    device = "a device's name, part of it, or number (vqss devices); jack; default; none"
    parser.add_argument("--input", default="default", metavar="DEV", help=f"where sound comes from: {device}")
    parser.add_argument("--output", default="default", metavar="DEV", help="where it goes, likewise")
    parser.add_argument("--samplerate", type=options.positive_int, metavar="HZ", help="default: the device's own")
    parser.add_argument("--blocksize", type=_block, default=0, metavar="N", help="16 to 8192; default 0: the device's")
    options.add_model(parser)
    options.add_latency(parser)
    parser.add_argument("--inputs", type=int, choices=(1, 2), default=2, help="channels of the input (default 2)")
    parser.add_argument("--outputs", type=_outputs, default="main", metavar="main|multi|0,3,14",
                        help="multi: main, and a pair for every cluster; or numbers: for these")  # fmt: skip
    parser.add_argument("--source", type=Path, metavar="FILE", help="play this song instead of the input")
    parser.add_argument("--osc", default="", metavar="HOST:PORT", help=osc)
    parser.add_argument("--music", type=Path, metavar="DIR", help="folder songs may be loaded from over OSC")
    parser.add_argument("--racks", type=Path, metavar="DIR", help=f"folder racks may be loaded from ({racks})")
    parser.add_argument("--preset", type=options.preset_file, metavar="FILE", help="begin with a preset, or its name")
    parser.add_argument("--rack", type=Path, metavar="FILE", help="effects, as a rack file")
    options.add_settings(parser)
    parser.add_argument("--automation", type=Path, metavar="FILE", help="move faders and effects as written there")
    parser.add_argument("--write-automation", type=Path, metavar="FILE", help="write down all that moves")
    parser.add_argument("--freewheel", action="store_true", help=freewheel)
    parser.add_argument("--seconds", type=options.positive_seconds, metavar="S", help="end after this time")
    parser.add_argument("--record", type=Path, metavar="FILE", help="write what is heard; with multi every cluster too")
    parser.add_argument("--measure-latency", action="store_true", help="measure through a cable from output to input")
    # For who starts it as a child: the pipe that is its input ends with them, however they end.
    parser.add_argument("--end-with-stdin", action="store_true", help=argparse.SUPPRESS)
    options.add_json(parser)


def _block(text: str) -> int:
    value = int(text) if text.strip().isdecimal() else -1
    if value != 0 and not 16 <= value <= 8192:
        raise argparse.ArgumentTypeError(f"'{text}' is not 0 or a number from 16 to 8192")
    return value


def _outputs(text: str) -> str:
    numbers = text.split(",")
    plain = all(number.isdecimal() for number in numbers) and len({int(number) for number in numbers}) == len(numbers)
    if text not in ("main", "multi") and not plain:
        raise argparse.ArgumentTypeError(f"'{text}' is not main, multi or numbers of clusters, such as 0,3,14")
    return text


def _paired_clusters(outputs: str) -> tuple[int, ...] | None:
    """The clusters that are to have outputs of their own; None: all, or none."""
    return None if outputs in ("main", "multi") else tuple(map(int, outputs.split(",")))


def run(arguments: argparse.Namespace) -> int:
    from bridge.live_report import print_report

    _check(arguments)
    if arguments.freewheel and arguments.seconds is None:
        arguments.seconds = _seconds_of_song(arguments.source)
    if arguments.end_with_stdin:
        end_after(lambda: os.read(sys.stdin.fileno(), 1))
    if arguments.measure_latency:
        return _measure(arguments)
    status = 0
    with ExitStack() as stack:
        session, automation = _session(arguments, stack)
        _stop_on_signals(session.stop, stack)
        report = session.run()
        try:
            if automation is not None:
                automation.close()
        except VQSSError as error:      # the report of the run is owed all the same
            say(str(error))
            status = 1
        if sys.stderr.isatty():
            print(file=sys.stderr)
    if arguments.json:
        print_json(report)
    else:
        print_report(report)
    # on a stage the show goes on, but a mixdown is not what was asked for where its song is damaged
    song_failed = arguments.freewheel and session.transport.player.failed
    status = status or int(session.recording_failed or song_failed)
    if session.abandoned:
        # A stream that hangs in the audio system would hang the end of this process too.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status


def _measure(arguments: argparse.Namespace) -> int:
    """Through a cable from output 1 to input 1."""
    from bridge.latency_probe import measure_latency

    with ExitStack() as stack:
        engine, device, _ = _engine(arguments, stack)
        engine.warm_up()
        stopping = threading.Event()
        _stop_on_signals(stopping.set, stack)
        say("sending a test sound from output 1 to input 1")
        report = measure_latency(engine, device, stopping)
    if arguments.json:
        print_json(report)
    else:
        print(
            f"measured {report['measured_ms']:.2f} ms, declared {report['declared_ms']:.2f} ms;"
            f" a block of the device is {report['block_ms']:.2f} ms"
        )
    return 0


def _check(arguments: argparse.Namespace) -> None:
    rate_hz = arguments.samplerate
    if rate_hz is not None and not LOWEST_DEVICE_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        raise UsageError(f"--samplerate {rate_hz}; give {LOWEST_DEVICE_RATE_HZ} to {HIGHEST_RATE_HZ}")
    if arguments.source is not None and not arguments.source.is_file():
        raise VQSSError(f"there is no file '{arguments.source}'; check the path given to --source")
    source, music = arguments.source, arguments.music
    if source and music and not source.resolve().is_relative_to(music.resolve()):
        raise UsageError(f"'{source}' lies outside --music '{music}'; name a folder that holds it")
    if arguments.freewheel and not arguments.input == arguments.output == "none":
        raise UsageError("--freewheel is for --input none --output none; a JACK server freewheels by itself")
    if arguments.measure_latency and "none" in (arguments.input, arguments.output):
        raise UsageError("--measure-latency needs an input and an output, joined by a cable")


def _seconds_of_song(source: Path | None) -> float:
    """What a mixdown takes: its song, and what comes after it."""
    from bridge.song_stream import song_seconds

    if source is None:
        raise UsageError("--freewheel needs --source or --seconds; it would go on for ever")
    return song_seconds(source) + RING_OUT_S


def _stop_on_signals(stop: Callable[[], None], stack: ExitStack) -> None:
    """Ctrl-C, SIGTERM and SIGHUP end the run with its report; a second one ends at once."""

    def handle(signum: int, frame: FrameType | None) -> None:
        # Not here: an event's lock may be held by what this handler interrupts, and would be waited for for ever.
        threading.Thread(target=stop, name="live-stop", daemon=True).start()
        signal.signal(signum, signal.SIG_DFL)

    for number in (signal.SIGINT, *ending_signals()):
        stack.callback(signal.signal, number, signal.signal(number, handle))
    end_if_asked()      # before these were in place


def _engine(arguments: argparse.Namespace, stack: ExitStack) -> tuple[Engine, Device, OpenDevice]:
    """The device, not started, an engine for it, and what opens it again."""
    from bridge.first_start import tell_first_start
    from bridge.live_device import DeviceChoice, Layout, open_again, open_device, settled
    from bridge.live_stage import engine_rate_hz
    from vqss_engine.bundle import ModelBundle
    from vqss_engine.config import StreamConfig
    from vqss_engine.engine import Engine

    bundle, stream = ModelBundle.load(arguments.model), StreamConfig.named(arguments.latency)
    multi = arguments.outputs != "main"
    choice = settled(DeviceChoice(
        arguments.input, arguments.output, arguments.samplerate, arguments.blocksize, multi, arguments.seconds,
        arguments.freewheel, _paired_clusters(arguments.outputs),
    ))  # fmt: skip
    names, rate_hz = bundle.cluster_names, bundle.config.sample_rate
    device = open_device(choice, names, Layout(stream.hop, rate_hz, arguments.inputs))
    stack.callback(device.close)
    tell_first_start()
    deadline_s = stream.hop / engine_rate_hz(device.rate_hz, rate_hz)
    engine = Engine(bundle, stream, device.inputs, multi=multi, insert_deadline_s=deadline_s)
    layout = Layout(stream.hop, rate_hz, device.inputs)
    return engine, device, lambda hung: open_again(choice, names, layout, hung)


def _session(arguments: argparse.Namespace, stack: ExitStack) -> tuple[LiveSession, Automation | None]:
    """All of it, built but not running."""
    from bridge.live_session import LiveSession, SessionOptions
    from bridge.live_stage import engine_rate_hz
    from bridge.osc_sockets import address_text
    from bridge.song_stream import check_song

    song = arguments.source.resolve() if arguments.source else None
    if song:
        check_song(song)
    engine, device, open_again = _engine(arguments, stack)
    rack = _prepare(engine, engine_rate_hz(device.rate_hz, engine.sample_rate), arguments)
    server = _osc_server(engine, arguments, stack)
    no_device = arguments.input == arguments.output == "none"
    seconds = None if no_device else arguments.seconds      # the clock counts frames, and ends by itself
    automation = _automation(engine, arguments, stack)
    options = SessionOptions(
        song, _music(arguments), arguments.record, seconds, automation=automation,
        clusters=_paired_clusters(arguments.outputs),
    )  # fmt: skip
    session = LiveSession(engine, device, open_again, options, rack.poll, rack.run_at)
    if server is not None:
        server.start()
        say(f"OSC at {address_text(server.host, server.port)}")
    engine.warm_up()
    return session, automation


def _automation(engine: Engine, arguments: argparse.Namespace, stack: ExitStack) -> Automation | None:
    """What is to be replayed or written down, begun; the file is written when the run is over."""
    from bridge.automation import Automation, read_take

    if not (arguments.automation or arguments.write_automation):
        return None
    take = read_take(arguments.automation) if arguments.automation else None
    automation = Automation(engine.surface, take, arguments.write_automation)
    automation.begin()
    stack.callback(automation.close)
    return automation


def _music(arguments: argparse.Namespace) -> Path | None:
    """The folder open to remote control."""
    if arguments.music:
        return Path(arguments.music)
    return arguments.source.resolve().parent if arguments.source else None


def _racks(arguments: argparse.Namespace) -> Path | None:
    """The folder that racks may be loaded from."""
    return arguments.racks or _music(arguments)


def _prepare(engine: Engine, rate_hz: int, arguments: argparse.Namespace) -> RackHost:
    """Settings, effects and presets; returns the host of the effects, tuned to `rate_hz`."""
    from bridge.files import apply_settings
    from bridge.rack_host import RackHost
    from bridge.rack_presets import RackPresets
    from vqss_engine.presets import PresetFolder, apply, read_preset

    rack = RackHost(engine, _racks(arguments), rate_hz)
    if arguments.rack:
        rack.load(arguments.rack)
    presets = RackPresets(rack, engine.surface)
    if arguments.preset:
        preset = read_preset(arguments.preset)
        if preset.get("rack") is not None and not arguments.rack:
            presets.write(preset["rack"])
        apply(engine.surface, preset, str(arguments.preset))
    apply_settings(engine.surface, arguments.settings)
    PresetFolder(options.preset_folder(), engine.surface, presets.read, presets.write).attach()
    return rack


def _osc_server(engine: Engine, arguments: argparse.Namespace, stack: ExitStack) -> OscServer | None:
    """OSC on its port, so that one that is taken is told at once. It answers when what answers it is there."""
    if arguments.osc == NO_OSC:
        return None
    from bridge.osc_server import OscServer
    from bridge.osc_sockets import host_and_port

    host, port = host_and_port(arguments.osc)
    music, racks = _music(arguments), _racks(arguments)
    server = OscServer(engine.surface, None, host, port, music_folder=music, rack_folder=racks)
    stack.callback(server.close)
    server.bind()
    return server
