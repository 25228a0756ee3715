"""Bad OSC packets without end, from valid ones, by a fixed seed."""

from __future__ import annotations

import random
import struct

from bridge.osc_packet import encode_bundle, encode_message
from vqss_engine.control import ControlSurface


def seeds(surface: ControlSurface) -> list[bytes]:
    """Valid packets to damage: they would move no fader, whatever byte of an argument is changed."""
    paths = [path for path in surface.values() if "transport" in path or path.endswith(("name", "color"))]
    values = [1.5, -3, "text", b"blob", True, 1e30, float("nan"), float("inf")]
    messages = [encode_message(path, value) for path in paths for value in values]
    messages += [encode_message(action.path, 1, 2.0) for action in surface.actions() if "subscribe" not in action.path]
    messages.append(encode_message("/vqss/*/[a-z]/{x,y}", 1.0))
    return messages + [encode_bundle(messages[at : at + 5]) for at in range(0, len(messages), 5)]


def damaged(random_: random.Random, data: bytes) -> bytes:
    """The packet with a part changed, cut off, repeated, nested or filled up."""
    at = random_.randrange(len(data))
    match random_.randrange(7):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + random_.randbytes(random_.randrange(1, 9)) + data[at:]
        case 2:
            return data[:at] + struct.pack(">i", random_.choice([-1, -4, 0, 4, 2**31 - 1, -(2**31)])) + data[at + 4 :]
        case 3:
            return random_.randbytes(random_.randrange(200))
        case 4:
            for _ in range(random_.randrange(60)):
                data = encode_bundle([data])
            return data
        case 5:
            return data[:at] + random_.choice([b"*", b"{", b"[", b"#", b"\0", b"?"]) * random_.randrange(90) + data[at:]
        case _:
            return data + random_.randbytes(random_.choice([3, 400, 30_000]))


def moves_a_fader(data: bytes) -> bool:
    """Whether a damaged packet happens to be one that may change the sound: a pattern can match anything."""
    return any(word in data for word in (b"gain", b"fader", b"mute", b"solo", b"pan", b"group", b"bypass")) or (
        b"/vqss" in data and any(character in data for character in b"*?[{")
    )
