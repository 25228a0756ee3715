"""The address table of a mixer with K clusters; OSC, presets, screen and printed lists are made from it.

Templates carry `{k}` where the cluster's number goes. Standard library only.
"""

from __future__ import annotations

import colorsys
import re
from dataclasses import replace

from vqss_engine.parameters import Action, Argument, Feed, Parameter, Value, with_index
from vqss_engine.taper import MAXIMUM_DB, SILENCE_DB, UNITY_FADER

CLUSTER, MAIN = "/vqss/cluster/{k}", "/vqss/main"
BYPASS, LIMITER, SOURCE = "/vqss/bypass", "/vqss/main/limiter", "/vqss/source"
MAIN_GAIN, MAIN_MUTE = f"{MAIN}/gain", f"{MAIN}/mute"
PRESET_LOAD, PRESET_SAVE, PRESET_LIST = "/vqss/preset/load", "/vqss/preset/save", "/vqss/preset/list"
PRESET_DELETE, PRESET_RENAME = "/vqss/preset/delete", "/vqss/preset/rename"
RACK_LOAD = "/vqss/rack/load"
DEVICE = "/vqss/device/"
"""How the addresses begin that tell of the device in use; they come with it."""

TRANSPORT = "/vqss/transport/"
PLAY, STOP, LOOP = f"{TRANSPORT}play", f"{TRANSPORT}stop", f"{TRANSPORT}loop"
POSITION = f"{TRANSPORT}position"
"""Moves by itself while a song plays: its value is the telemetry's, and setting it counts whatever it was."""

INPUT_SOURCE = "input"
"""The value of /vqss/source that means the device's input; anything else is a file in the music folder."""

PRESET_CLUSTER_KEYS = ("gain", "mute", "solo", "pan", "name", "color", "group")
PRESET_MAIN_KEYS = ("gain", "mute", "limiter")
"""What a preset holds of each cluster and of the main output."""

_DAY_S = 86400.0
_COLOR = (re.compile(r"#[0-9a-fA-F]{6}"), "a colour such as #e07020")
_SOURCE = (re.compile(r".+", re.DOTALL), "`input` or the name of a file in the music folder")


def _gain_text(value: Value) -> str:
    return "silence" if isinstance(value, int | float) and value <= SILENCE_DB else f"{value:+.1f} dB"


def _pan_text(value: Value) -> str:
    percent = round(float(value) * 100) if isinstance(value, int | float) else 0
    return f"{abs(percent)} % {'left' if percent < 0 else 'right'}" if percent else "centre"


def _group_text(value: Value) -> str:
    return "own strip" if value == -1 else f"with cluster {value}"


_GAIN = Argument("gain", "float", SILENCE_DB, MAXIMUM_DB, "dB")
_FADER = Argument("position", "float", 0.0, 1.0)
_SWITCH = Argument("on", "switch", 0, 1)
_NAME = Argument("name", "string", maximum=64)
_FILE = Argument("name", "string", maximum=255)
_ON = replace(_SWITCH, default=True)
_SECONDS = Argument("position", "float", 0.0, _DAY_S, "s")


def _switch(path: str, description: str, default: bool = False) -> Parameter:
    return Parameter(path, (_SWITCH,), default, description)


def _strip(base: str, what: str) -> tuple[Parameter, ...]:
    """Gain, its fader view, and mute of one strip."""
    return (
        Parameter(f"{base}/gain", (_GAIN,), 0.0, f"gain of {what}; -70 dB is silence", to_text=_gain_text),
        Parameter(
            f"{base}/fader", (_FADER,), UNITY_FADER, "the same gain on the mixer taper; 0.75 is 0 dB", f"{base}/gain"
        ),
        _switch(f"{base}/mute", f"silence {what}"),
    )


CLUSTER_TEMPLATES: tuple[Parameter, ...] = (
    *_strip(CLUSTER, "the cluster"),
    _switch(f"{CLUSTER}/solo", "hear only the soloed clusters, in place; mute wins over solo"),
    Parameter(
        f"{CLUSTER}/pan",
        (Argument("pan", "float", -1.0, 1.0),),
        0.0,
        "balance: -1 left, 0 centre (both sides untouched), 1 right",
        to_text=_pan_text,
    ),
    Parameter(f"{CLUSTER}/name", (_NAME,), "", "what the strip is called"),
    Parameter(f"{CLUSTER}/color", (replace(_NAME, name="color", maximum=7),), "", "the strip's colour", form=_COLOR),
    Parameter(
        f"{CLUSTER}/group",
        (Argument("strip", "int", -1, None),),
        -1,
        "the cluster whose strip (gain, mute, solo, pan) this one follows; -1 its own",
        to_text=_group_text,
    ),
)

MAIN_PARAMETERS: tuple[Parameter, ...] = (
    *_strip(MAIN, "the main output"),
    _switch(LIMITER, "safety limiter on the main output; acts above 0 dBFS only"),
    _switch(BYPASS, "hear the delayed input instead of the mix of clusters"),
    Parameter(SOURCE, (_FILE,), INPUT_SOURCE, "what is separated: the input, or a file", form=_SOURCE),
    _switch(PLAY, "play the source file; 0 pauses"),
    Parameter(POSITION, (_SECONDS,), 0.0, "where the source file plays; setting it seeks"),
    Parameter(
        LOOP,
        (replace(_SECONDS, name="start"), replace(_SECONDS, name="end")),
        (0.0, 0.0),
        "loop from start to end; off where that is less than 0.01 s",
    ),
)

ACTIONS: tuple[Action, ...] = (
    Action(STOP, "stop the source file and go back to its start", (_ON,)),
    Action(PRESET_LOAD, "load a preset by name", (_NAME,)),
    Action(PRESET_SAVE, "save the mixer as a preset of this name", (_NAME,)),
    Action(PRESET_DELETE, "delete the preset of this name", (_NAME,)),
    Action(PRESET_RENAME, "give a preset a name that no other has", (_NAME, replace(_NAME, name="new name"))),
    Action(PRESET_LIST, "answers with the names of all presets; sent to subscribers when they change"),
    Action(RACK_LOAD, "load a rack file by name; an empty name removes all effects", (_FILE,)),
    Action(
        "/vqss/subscribe",
        "send every change to this port, and levels and spectra so often; ends after 15 s unless renewed",
        (
            Argument("port", "int", 0, 65535, default=0),
            Argument("levels", "float", 0.0, 60.0, "per second", default=20.0),
            Argument("spectra", "float", 0.0, 60.0, "per second", default=0.0),
        ),
    ),
    Action("/vqss/unsubscribe", "end the subscription", (Argument("port", "int", 0, 65535, default=0),)),
    Action("/vqss/refresh", "answers with the value of every parameter"),
    Action("/vqss/ping", "answers /vqss/pong"),
)

FEEDS: tuple[Feed, ...] = (
    Feed("/vqss/levels", "f × 2·(K+1)", "rms and peak per cluster before its fader, then of main",
         "-120 to 12 dBFS"),
    Feed("/vqss/spectra", "ib", "frame number; (K+1)·64 bytes: mix, then each cluster, 64 mel bands",
         "0 to 255 for -90 to 0 dB"),
    Feed("/vqss/status", "fiifi", "load, misses, xruns, latency in ms, state; once a second",
         "state: 0 stopped, 1 running, 2 bypassed, 3 fallen back to the dry mix, 4 device lost"),
    Feed("/vqss/session", "ii", "number of this run, and of its list of addresses; answers /vqss/subscribe, "
         "and is sent when effects come or go"),
    Feed("/vqss/pong", "", "answer to /vqss/ping"),
    Feed("/vqss/error", "ss", "address and text, to the sender of a refused message"),
)  # fmt: skip


def default_color(k: int, clusters: int) -> str:
    """A colour for cluster `k`: hues a golden angle apart, so that neighbours differ for any K."""
    red, green, blue = colorsys.hsv_to_rgb((k * 0.381966) % 1.0, 0.55 + 0.2 * (k % 2), 0.9)
    return "#{:02x}{:02x}{:02x}".format(*(round(255 * value) for value in (red, green, blue)))


def cluster_parameters(k: int, clusters: int, name: str = "", color: str = "") -> list[Parameter]:
    """The parameters of cluster `k`; its name and colour are the given defaults ('' takes ours)."""
    defaults: dict[str, Value] = {"name": name, "color": color or default_color(k, clusters)}
    result = []
    for template in CLUSTER_TEMPLATES:
        leaf = template.path.rpartition("/")[2]
        parameter = with_index(replace(template, default=defaults.get(leaf, template.default)), k)
        if leaf == "group":
            parameter = replace(parameter, arguments=(Argument("strip", "int", -1, clusters - 1),))
        result.append(parameter)
    return result
