"""Packets that have piled up: the outcome is that of one after the other, and nothing valid is lost on the way."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from bridge.osc_dispatch import ERRORS_PER_S, Dispatcher
from bridge.osc_packet import Address, decode_packet, encode_bundle, encode_message
from vqss_engine.control import ControlSurface

ANA, BOB = ("127.0.0.1", 5001), ("127.0.0.1", 5002)
GAIN, FADER, MUTE = "/vqss/cluster/1/gain", "/vqss/cluster/1/fader", "/vqss/cluster/*/mute"

PACKET = st.one_of(
    st.builds(encode_message, st.just(GAIN), st.floats(-80, 20, width=32)),
    st.builds(encode_message, st.just(FADER), st.floats(0, 1, width=32)),
    st.builds(encode_message, st.just(MUTE), st.integers(0, 2)),
    st.builds(encode_message, st.just(GAIN)),
    st.builds(lambda gain: encode_bundle([encode_message(GAIN, gain), encode_message(MUTE, 1)]), st.just(-5.0)),
    st.just(encode_message("/vqss/transport/stop")),
    st.just(b"/damaged"),
)
TRAFFIC = st.lists(st.tuples(PACKET, st.sampled_from([ANA, BOB])), max_size=12)


class Desk:
    """A surface of four clusters, its dispatcher, and what was sent to whom."""

    def __init__(self) -> None:
        self.surface = ControlSurface(4)
        self.surface.on_action("/vqss/transport/stop", lambda on, origin: self.surface.set(GAIN, 0.0))
        self.sent: list[tuple[Address, str, tuple]] = []
        self.changes: list[tuple] = []
        self.surface.subscribe(lambda *news: self.changes.append(news))
        self.dispatcher = Dispatcher(self.surface, self._send, clock=lambda: 0.0)

    def _send(self, data: bytes, to: Address) -> None:
        (message,) = decode_packet(data)
        self.sent.append((to, message.address, message.arguments))


@given(TRAFFIC)
def test_piled_up_packets_end_as_one_by_one(traffic: list[tuple[bytes, Address]]) -> None:
    together, apart = Desk(), Desk()
    together.dispatcher.handle(traffic)
    for packet in traffic:
        apart.dispatcher.handle([packet])
    assert together.surface.values() == apart.surface.values()
    for who, what in itertools.product((ANA, BOB), (GAIN, "/vqss/error")):
        answers = [[entry for entry in desk.sent if entry[:2] == (who, what)] for desk in (together, apart)]
        assert answers[0] == answers[1]


def test_a_pile_of_sets_is_applied_at_once() -> None:
    desk = Desk()
    desk.dispatcher.handle([(encode_message(GAIN, -0.1 * step), ANA) for step in range(100)])
    assert [path for path, _, _ in desk.changes] == [GAIN, FADER]
    assert desk.surface.state.gain[1] == desk.changes[0][1] and desk.changes[0][2] == ANA


def test_each_maker_keeps_its_own_changes() -> None:
    desk = Desk()
    desk.dispatcher.handle([(encode_message(GAIN, -1.0), ANA), (encode_message(GAIN, -2.0), BOB)])
    assert [(value, origin) for path, value, origin in desk.changes if path == GAIN] == [(-1.0, ANA), (-2.0, BOB)]


def test_errors_are_rationed_by_sender() -> None:
    desk = Desk()
    desk.dispatcher.handle([(b"/damaged", ANA)] * 500 + [(b"/damaged", BOB)] * 3)
    counts = [sum(to == who for to, _, _ in desk.sent) for who in (ANA, BOB)]
    assert counts == [ERRORS_PER_S, 3]
