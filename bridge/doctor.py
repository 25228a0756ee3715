"""`vqss doctor`: what of this machine and environment is fine, and how to mend the rest.

What may crash or hang natively (torch, PortAudio, JACK, Qt) is tried in a child process with a time limit.

Threads: the checks run side by side in a pool of four, which may block; the caller waits for all.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from bridge.child_command import child_command

PROBE_SECONDS = 90.0        # a first import from a cold disk is slow


@dataclass(frozen=True)
class Check:
    """One finding. `ok` is True (fine), False (needed, and broken) or None (optional, and not there)."""

    name: str
    ok: bool | None
    detail: str
    fix: str = ""


NO_SCREEN = "could not connect to display"
"""What Qt says where DISPLAY names a screen that does not run, or is somebody else's."""


def probe(code: str, timeout: float = PROBE_SECONDS, screen: bool = False) -> tuple[bool, str]:
    """Run Python code in a child: (whether it succeeded, what it printed or its last line of error).

    screen: Qt takes the screen there is; else none.
    """
    environment = dict(os.environ) if screen else {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    try:
        child = subprocess.run(
            child_command("-c", code), capture_output=True, text=True, timeout=timeout, env=environment
        )
    except subprocess.TimeoutExpired:
        return False, f"no answer within {timeout:g} s"
    if child.returncode == 0:
        return True, child.stdout.strip()
    lines = child.stderr.strip().splitlines()
    if lost := [line for line in lines if NO_SCREEN in line]:       # Qt then ends by a signal
        return False, lost[0].partition(": ")[2]
    if child.returncode < 0:
        return False, f"it crashed (signal {-child.returncode})"
    return False, lines[-1] if lines else f"it ended with status {child.returncode}"


def check_python() -> Check:
    detail = f"{platform.python_version()} at {sys.executable}"
    fine = sys.version_info >= (3, 11)
    if fine and sys.version_info < (3, 11, 0, "final"):
        return Check("Python", None, f"{detail}, a pre-release", "to train install a newer one; separating works")
    return Check("Python", fine, detail, "" if fine else "install Python 3.11 or newer and make .venv again")


TORCH_PROBE = """
import torch
mps = torch.backends.mps.is_available()
print(torch.__version__)
print(torch.cuda.get_device_name() if torch.cuda.is_available() else "Apple MPS" if mps else "")
"""


def check_torch() -> list[Check]:
    """torch itself (needed by training, export and --device), and the GPU it sees."""
    fine, text = probe(TORCH_PROBE)
    if not fine:
        fix = "separating works without; to train, install it as docs/install.md says"
        return [Check("torch", None, text, fix), Check("GPU", None, "can't be asked without torch")]
    version, _, device = text.partition("\n")
    gpu = (
        Check("GPU", True, f"{device}, for training and separate --device")
        if device
        else Check("GPU", None, "none; all runs on the processor, on which only training is slow")
    )
    return [Check("torch", True, f"{version}, used for training and export"), gpu]


# A function that counts as one of the engine's own is asked where its compiled code would be kept.
NUMBA_PROBE = """
import numba
import vqss_engine.compiled
scope = {}
exec(compile("def kernel(x): return x", vqss_engine.__file__, "exec"), scope)
try:
    kept = numba.njit(cache=True)(scope["kernel"]).stats.cache_path
    print(numba.__version__ + ", compiled code is kept in " + kept)
except RuntimeError:
    print(numba.__version__)
"""


def check_numba() -> Check:
    fine, text = probe(NUMBA_PROBE)
    if not fine:
        return Check("numba", False, text, "pip install numba")
    if "kept in" not in text:
        fix = "set NUMBA_CACHE_DIR to a folder that can be written"
        return Check("numba", None, f"{text}, but compiled code can't be kept: every start is slow", fix)
    return Check("numba", True, text)


def install_hint(debian: str, homebrew: str = "") -> str:
    if platform.system() == "Darwin" and homebrew:
        return f"brew install {homebrew}"
    return f"apt-get install {debian}" if platform.system() == "Linux" else ""


PORTAUDIO_PROBE = """
import sys
from bridge.portaudio_library import portaudio
from vqss_engine.errors import VQSSError
try:
    sounddevice = portaudio()
except VQSSError as error:
    sys.exit(str(error))
devices = sounddevice.query_devices()
ins = sum(d["max_input_channels"] > 0 for d in devices)
outs = sum(d["max_output_channels"] > 0 for d in devices)
print(f"{sounddevice.get_portaudio_version()[1].split(',')[0]}; {ins} inputs, {outs} outputs")
"""


def check_portaudio() -> Check:
    """Files need no sound device, so that a missing one is no failure."""
    fine, text = probe(PORTAUDIO_PROBE)
    if not fine:
        text, _, fix = text.partition("; ")
        if not fix or text.startswith("no PortAudio ("):
            fix = install_hint("libportaudio2", "portaudio") or "pip install --force-reinstall sounddevice"
        return Check("PortAudio", None, f"{text}; no live sound, files work", fix)
    if "; 0 inputs, 0 outputs" in text:
        return Check("PortAudio", None, f"{text}: no sound device", "connect one, or start JACK; files work")
    return Check("PortAudio", True, text)


JACK_PROBE = """
import sys
from bridge.jack_ports import JackDevice
from bridge.live_device import DeviceChoice, settled
from vqss_engine.errors import VQSSError
pipewire = settled(DeviceChoice("jack", "jack")).pipewire
try:
    device = JackDevice(0, [], pipewire)
except VQSSError as error:
    sys.exit(str(error).partition(";")[0])
print(f"{'PipeWire' if pipewire else 'server'} at {device.rate_hz} Hz, {device.block} frames a period")
device.close()
"""


def check_jack() -> Check:
    fine, text = probe(JACK_PROBE, timeout=20.0)
    if fine:
        return Check("JACK", True, text)
    fix = "only for routing to a DAW: start jackd, or on PipeWire install pipewire-jack"
    if text.startswith("no JACK ("):
        fix = f"only for routing to a DAW: {install_hint('jackd2', 'jack') or 'see jackaudio.org'}"
    return Check("JACK", None, text, fix)


def check_pedalboard() -> Check:
    fine, text = probe("import pedalboard; print(pedalboard.__version__)")
    if fine:
        return Check("pedalboard", True, f"{text}, for effects and more file formats")
    fix = install_hint("libatomic1") if "libatomic" in text else "pip install --force-reinstall pedalboard"
    return Check("pedalboard", False, text, fix)


QT_PROBE = """
import sys
from PyQt6.QtCore import QT_VERSION_STR
from PyQt6.QtWidgets import QApplication, QLabel
application = QApplication(sys.argv[:1])
if {shown}: label = QLabel("vqss"); label.show(); application.processEvents()
print(QT_VERSION_STR)
"""


def check_qt(shown: bool = True) -> Check:
    """Whether Qt works here; shown: with a window, which is seen for a moment."""
    # On X11 Qt needs libraries that it does without elsewhere, some of which are not looked for until a window opens.
    fine, text = probe(QT_PROBE.format(shown=shown), screen=bool(os.environ.get("DISPLAY")))
    if fine:
        return Check("Qt", True, f"{text}, for the mixer window")
    libraries = (
        "libgl1 libegl1 libxkbcommon0 libxkbcommon-x11-0 libdbus-1-3 libfontconfig1 libglib2.0-0 libxcb-cursor0"
        " libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0 libxcb-xkb1"
    )
    fix = "pip install --force-reinstall --prefer-binary PyQt6" if "PyQt6" in text else install_hint(libraries)
    if NO_SCREEN in text:
        fix = "set DISPLAY to a screen that runs, and let this user use it"
    return Check("Qt", None, f"{text}; no mixer window, the rest works", fix)


def check_screen() -> Check:
    if platform.system() != "Linux":
        return Check("screen", True, platform.system())
    screen = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")
    if screen:
        return Check("screen", True, screen)
    return Check("screen", None, "none", "the mixer window needs one; on a server use vqss live and OSC")


def window_fault() -> str | None:
    """Why no window can open here, and what to do; None where one can, as on every system where Qt needs no screen."""
    wanted = os.environ.get("QT_QPA_PLATFORM", "xcb")
    if platform.system() != "Linux" or not wanted.startswith(("xcb", "wayland")):
        return None
    for look in (check_screen, lambda: check_qt(shown=False)):
        if not (check := look()).ok:
            return f"no window can open here ({check.name}: {check.detail.partition(';')[0]}); {check.fix}"
    return None


FONT_PROBE = """
from training.synth import find_soundfonts
print(*find_soundfonts(), sep=", ")
"""


def check_fluidsynth() -> Check:
    """Only `vqss render`, which makes training songs, plays sound fonts."""
    found, fonts = probe(FONT_PROBE)
    missing = [] if found and fonts else ["a General MIDI sound font (VQSS_SOUNDFONT may name one)"]
    if not found and "there is no soundfont" in fonts:     # the one that VQSS_SOUNDFONT names
        wrong, _, cure = fonts.partition(": ")[2].partition("; ")
        return Check("FluidSynth", None, wrong, f"only to render training songs: {cure}")
    if shutil.which("fluidsynth") is None:
        missing.append("FluidSynth")
    if importlib.util.find_spec("fluidsynth") is None:
        missing.append("the Python package pyfluidsynth")
    if not missing:
        return Check("FluidSynth", True, f"with {fonts}, for training songs")
    hint = install_hint("fluidsynth fluid-soundfont-gm", "fluid-synth")
    steps = ", ".join(filter(None, [hint, "pip install 'vqss[training]'"]))
    fix = f"only to render training songs: {steps}"
    return Check("FluidSynth", None, f"missing: {', '.join(missing)}", fix)


def check_model() -> Check:
    from vqss_engine.bundle import ModelBundle
    from vqss_engine.errors import VQSSError

    try:
        bundle = ModelBundle.load()
    except (VQSSError, OSError) as error:
        return Check("model", False, str(error), "install vqss again: the default model is part of it")
    shape = f"{bundle.config.clusters} clusters at {bundle.config.sample_rate} Hz"
    return Check("model", True, f"{bundle.name}, {shape}, sha256 {bundle.sha256[:12]}")


CHECKS: tuple[Callable[[], Check | list[Check]], ...] = (
    check_python, check_model, check_numba, check_pedalboard, check_torch, check_portaudio, check_jack,
    check_qt, check_screen, check_fluidsynth,
)  # fmt: skip


def run_doctor() -> list[Check]:
    """Run every check, side by side; takes some seconds and never raises for what it finds."""
    with ThreadPoolExecutor(max_workers=4) as pool:
        found = list(pool.map(lambda check: check(), CHECKS))
    return [check for group in found for check in (group if isinstance(group, list) else [group])]


def exit_code(checks: Sequence[Check]) -> int:
    """0 if everything necessary is fine, else 1."""
    return int(any(check.ok is False for check in checks))


def to_json(checks: Sequence[Check]) -> dict[str, Any]:
    """An object for `vqss doctor --json`: {"ok", "checks": [{"name", "ok", "detail", "fix"}]}."""
    return {"ok": exit_code(checks) == 0, "checks": [asdict(check) for check in checks]}


def format_text(checks: Sequence[Check]) -> str:
    """One line a check, and a second one where something can be done."""
    width = max(len(check.name) for check in checks)
    lines = []
    for check in checks:
        mark = {True: "ok", False: "BROKEN", None: "-"}[check.ok]
        lines.append(f"{mark:>6}  {check.name:<{width}}  {check.detail}")
        if check.fix:
            lines.append(f"{'':>6}  {'':<{width}}  to mend it: {check.fix}")
    verdict = "something needed is broken" if exit_code(checks) else "everything needed is fine"
    return "\n".join([*lines, "", verdict])
