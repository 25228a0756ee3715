"""The engine that a window has started: what it runs with, and how another one takes over everything from it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bridge.engine_child import EngineChild
from bridge.osc_client import RemoteControl
from bridge.rack_store import RackStore
from vqss_engine.control import Control, Parameter, Value
from vqss_engine.errors import VQSSError
from vqss_engine.vocabulary import DEVICE, POSITION, SOURCE, TRANSPORT

_KEPT = ("model", "inputs", "outputs")
_ONCE = ("preset", "record", "automation", "write_automation")
"""Options for the first engine only: a second one would write over what the first has recorded."""


@dataclass(frozen=True)
class Setup:
    """What the machine chooses: the options --input, --output, --samplerate (None: the device's), --blocksize (0: the
    device's) and --latency."""

    source: str = "default"
    target: str = "default"
    samplerate: int | None = None
    blocksize: int = 0
    profile: str = "default"

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> Setup:
        return cls(arguments.input, arguments.output, arguments.samplerate, arguments.blocksize, arguments.latency)

    def options(self) -> list[str]:
        """As the command line has them."""
        rate = [] if self.samplerate is None else [f"--samplerate={self.samplerate}"]
        return [f"--input={self.source}", f"--output={self.target}", *rate, f"--blocksize={self.blocksize}",
                f"--latency={self.profile}"]  # fmt: skip


class OwnEngine:
    """`vqss live` behind `remote`, with the options of `arguments`, the folder `music` and the racks of `racks`."""

    def __init__(
        self, arguments: argparse.Namespace, remote: RemoteControl, osc: str, music: Path, racks: RackStore
    ) -> None:
        self._remote, self._racks = remote, racks
        setup = Setup.of(arguments)
        self._fixed = [f"--{name}={value}" for name in _KEPT if (value := getattr(arguments, name)) is not None]
        self._fixed += ["--json"] if arguments.json else []
        self._fixed += [f"--osc={osc}", f"--music={music}", f"--racks={racks.file.parent}"]
        given = {name: getattr(arguments, name) for name in _ONCE}
        first = [f"--{name.replace('_', '-')}={value}" for name, value in given.items() if value is not None]
        first += [f"--rack={arguments.rack}"] if arguments.rack else []
        first += [f"--set={path}={value}" for path, value in arguments.settings]
        self._setups = {tuple(self._options(setup)): setup}
        self._child = EngineChild(self._options(setup), self.state, self._tell, first)

    def _tell(self, text: str) -> None:
        self._remote.telemetry.report(text)     # another one after a model with other clusters

    @property
    def setup(self) -> Setup:
        """What the engine runs with; where a setup did not work, the one that was taken again."""
        return self._setups[self._child.arguments]

    @property
    def report(self) -> str:
        """What the engine that ended last told of its run; after `close`."""
        return self._child.report

    def _options(self, setup: Setup) -> list[str]:
        return [*self._fixed, *setup.options()]

    def state(self) -> list[str]:
        """The options that bring a new engine to where this one is: mixer, effects, song and position.

        Where the effects cannot be written down for it, it is better than none without them.
        """
        try:
            effects = self._racks.options()
        except VQSSError as error:
            effects = []
            self._tell(f"the engine goes on without its effects: {error}")
        return [*effects, *state_options(self._remote)]

    def restart(self, setup: Setup) -> None:
        """Let an engine with another setup take over; does not wait for it."""
        self._setups[tuple(self._options(setup))] = setup
        self._child.restart(self._options(setup))

    def close(self) -> None:
        """End it, and wait for that."""
        self._child.close()
        self._racks.close()


def state_options(remote: RemoteControl) -> list[str]:
    """What differs from the defaults of a fresh engine, as --set options; the song begins where it is now."""
    settings = changed_settings(remote, lambda parameter: not parameter.path.startswith(DEVICE))
    if POSITION in settings:
        settings[POSITION] = f"{float(settings[POSITION]):.3f}"
    return [f"--set={path}={value}" for path, value in settings.items()]


def mix_options(mixer: Control) -> list[str]:
    """The mix as it stands, as --set options for a file: faders and effects, without the transport."""
    aside = (DEVICE, TRANSPORT, SOURCE)
    settings = changed_settings(mixer, lambda parameter: not parameter.path.startswith(aside))
    return [f"--set={path}={value}" for path, value in settings.items()]


def changed_settings(mixer: Control, wanted: Callable[[Parameter], bool] = lambda parameter: True) -> dict[str, str]:
    """What differs from the defaults, as texts for --set. The rack that is loaded makes the defaults of its effects,
    and so these are left out here: a rack is written with the values that its effects have."""
    changed, values = {}, mixer.values()
    for parameter in mixer.parameters():
        value = values.get(parameter.path, parameter.default)       # it may have come since
        if not parameter.view_of and "/fx/" not in parameter.path and value != parameter.default and wanted(parameter):
            changed[parameter.path] = _text(value)
    return changed


def _text(value: Value) -> str:
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return str(int(value)) if isinstance(value, bool) else str(value)


