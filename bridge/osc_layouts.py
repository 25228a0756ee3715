"""Surfaces for other programs, made from a control surface: Open Stage Control and REAPER."""

from __future__ import annotations

import json
from typing import Any

from vqss_engine.control import ControlSurface
from vqss_engine.vocabulary import BYPASS, LIMITER, MAIN_MUTE

Widget = dict[str, Any]

_STRIP_WIDTH, _HEIGHT, _BUTTON = 80, 560, 40
_VERSION = "1.26.0"


def open_stage_control(surface: ControlSurface, target: str = "127.0.0.1:9000") -> str:
    """A session file of Open Stage Control: a strip a cluster (name, pan, fader, solo, mute), and the main strip."""
    strips = [_strip(surface, f"/vqss/cluster/{k}", str(k), k) for k in range(surface.clusters)]
    main = _panel("main", surface.clusters, [
        _text("main_title", "Main"),
        _fader("main_fader", "/vqss/main/fader", _HEIGHT - 4 * _BUTTON),
        _button("main_limiter", LIMITER, "limit"),
        _button("main_mute", MAIN_MUTE, "M"),
        _button("bypass", BYPASS, "bypass"),
    ])  # fmt: skip
    root = {
        "type": "root", "id": "root", "width": _STRIP_WIDTH * (surface.clusters + 1), "height": _HEIGHT,
        "target": target, "layout": "horizontal", "padding": 0, "widgets": [*strips, main], "tabs": [],
    }  # fmt: skip
    session = {"createdWith": "Open Stage Control", "version": _VERSION, "type": "session", "content": root}
    return json.dumps(session, indent=1, ensure_ascii=False) + "\n"


def _strip(surface: ControlSurface, base: str, ident: str, position: int) -> Widget:
    color = str(surface.get(f"{base}/color"))
    name = _text(f"{ident}_name", str(surface.get(f"{base}/name")) or ident)
    widgets = [
        {**name, "address": f"{base}/name"},
        _knob(f"{ident}_pan", f"{base}/pan"),
        _fader(f"{ident}_fader", f"{base}/fader", _HEIGHT - 5 * _BUTTON),
        _button(f"{ident}_solo", f"{base}/solo", "S"),
        _button(f"{ident}_mute", f"{base}/mute", "M"),
    ]
    return {**_panel(f"strip_{ident}", position, widgets), "colorWidget": color}


def _panel(ident: str, position: int, widgets: list[Widget]) -> Widget:
    return {
        "type": "panel", "id": ident, "left": _STRIP_WIDTH * position, "top": 0, "width": _STRIP_WIDTH,
        "height": _HEIGHT, "layout": "vertical", "scroll": False, "widgets": widgets, "tabs": [],
    }  # fmt: skip


def _text(ident: str, text: str) -> Widget:
    return {"type": "text", "id": ident, "height": _BUTTON, "expand": False, "default": text, "bypass": True}


def _knob(ident: str, address: str) -> Widget:
    return {
        "type": "knob", "id": ident, "height": 2 * _BUTTON, "address": address, "typeTags": "f", "default": 0,
        "range": {"min": -1, "max": 1}, "origin": 0, "doubleTap": True,
    }  # fmt: skip


def _fader(ident: str, address: str, height: int) -> Widget:
    return {
        "type": "fader", "id": ident, "height": height, "expand": True, "address": address, "typeTags": "f",
        "range": {"min": 0, "max": 1}, "default": 0.75, "doubleTap": True,
    }  # fmt: skip


def _button(ident: str, address: str, label: str) -> Widget:
    return {
        "type": "button", "id": ident, "height": _BUTTON, "mode": "toggle", "on": 1, "off": 0, "default": 0,
        "address": address, "typeTags": "i", "label": label,
    }  # fmt: skip


def reaper(surface: ControlSurface) -> str:
    """A pattern file of REAPER: track n is cluster n, the master is the main output."""
    return f"""# VQSS.ReaperOSC: REAPER's faders, mutes, solos and pans move those of VQSS, and follow them.
# Track n drives cluster n; REAPER counts tracks from 1, so cluster 0 has no track here. The master drives main.

DEVICE_TRACK_COUNT {surface.clusters - 1}
DEVICE_SEND_COUNT 0
DEVICE_RECEIVE_COUNT 0
DEVICE_FX_COUNT 0
DEVICE_FX_PARAM_COUNT 0
DEVICE_FX_INST_PARAM_COUNT 0

REAPER_TRACK_FOLLOWS REAPER
DEVICE_TRACK_FOLLOWS DEVICE
DEVICE_TRACK_BANK_FOLLOWS DEVICE

TRACK_VOLUME n/vqss/cluster/@/fader
TRACK_MUTE b/vqss/cluster/@/mute
TRACK_SOLO b/vqss/cluster/@/solo
TRACK_NAME s/vqss/cluster/@/name
MASTER_VOLUME n/vqss/main/fader
"""
