"""`vqss devices`: the audio devices of this machine."""

from __future__ import annotations

import argparse
import json
import subprocess
from typing import Any

from bridge.child_command import child_command
from bridge.commands import options
from bridge.console import print_json, print_table
from bridge.portaudio_library import portaudio
from vqss_engine.errors import VQSSError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_json(parser)


def list_devices() -> list[dict[str, Any]]:
    """All devices, as plain data; raises VQSSError where PortAudio is missing or fails."""
    sounddevice = portaudio()
    try:
        hosts, devices = sounddevice.query_hostapis(), sounddevice.query_devices()
    except sounddevice.PortAudioError as error:
        raise VQSSError(f"PortAudio fails ({error}); run vqss doctor") from error
    return [
        {
            "index": index,
            "name": device["name"],
            "api": hosts[device["hostapi"]]["name"],
            "inputs": device["max_input_channels"],
            "outputs": device["max_output_channels"],
            "sample_rate": device["default_samplerate"],
        }
        for index, device in enumerate(devices)
    ]


def devices_of_child(timeout_s: float = 30.0) -> list[dict[str, Any]]:
    """The same from a process of its own, which sees what has been plugged in since and may hang; raises VQSSError."""
    command = child_command("-m", "bridge", "devices", "--json")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s)
        if done.returncode == 0:
            return list(json.loads(done.stdout)["devices"])
        raise VQSSError(done.stderr.strip().removeprefix("vqss: ") or "devices cannot be listed; run vqss doctor")
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise VQSSError(f"devices cannot be listed ({type(error).__name__}); run vqss doctor") from error


def run(arguments: argparse.Namespace) -> int:
    devices = list_devices()
    if arguments.json:
        print_json({"devices": devices})
    elif devices:
        rows = [("", "device", "through", "in", "out", "rate")]
        for d in devices:
            rate = f"{d['sample_rate']:.0f} Hz"
            rows.append((str(d["index"]), d["name"], d["api"], str(d["inputs"]), str(d["outputs"]), rate))
        print_table(rows, right=frozenset((0, 3, 4, 5)))
    else:
        print("no audio devices; connect one, or start JACK")
    return 0
