"""Waiting for answers: each who asks is told, whatever becomes of the others."""

from __future__ import annotations

import threading

import pytest

from bridge.osc_answers import SLOW, Answers
from tests.osc_peers import PATIENCE_S, wait_until
from vqss_engine.errors import VQSSError


def test_a_silent_engine_may_be_loading_what_it_was_asked_for() -> None:
    answers, got = Answers(), []
    waiting = threading.Thread(target=lambda: got.append(answers.ask("/vqss/rack/load", lambda: None, PATIENCE_S)))
    waiting.start()
    wait_until(lambda: "/vqss/rack/load" in answers)
    answers.fail("silent", spared=SLOW)
    answers.tell("/vqss/rack/load", True, ("mine",))
    waiting.join()
    assert got == [("mine",)]


def test_a_later_asker_is_answered_after_an_earlier_one_has_given_up() -> None:
    answers, got = Answers(), []

    def ask_again() -> None:
        got.append(answers.ask("/vqss/preset/list", sent.set, PATIENCE_S))

    later, sent = threading.Thread(target=ask_again), threading.Event()

    def send() -> None:
        later.start()
        sent.wait()

    with pytest.raises(VQSSError, match="no answer"):
        answers.ask("/vqss/preset/list", send, 0.01)
    answers.tell("/vqss/preset/list", True, ("mine",))
    later.join(1.0)
    assert got == [("mine",)]
