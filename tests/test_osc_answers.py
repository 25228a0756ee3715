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


def test_all_who_ask_the_same_are_answered_in_their_order() -> None:
    answers, got = Answers(), {}
    asking = []
    for name in ("first", "second", "third"):
        sent = threading.Event()

        def ask(name: str = name, sent: threading.Event = sent) -> None:
            got[name] = answers.ask("/vqss/preset/save", sent.set, PATIENCE_S)

        asking.append(threading.Thread(target=ask))
        asking[-1].start()
        sent.wait()
    for name in ("first", "second", "third"):
        assert answers.tell("/vqss/preset/save", True, (name,))
    for thread in asking:
        thread.join()
    assert got == {name: (name,) for name in ("first", "second", "third")}
    assert not answers.tell("/vqss/preset/save", True, ("late",)) and "/vqss/preset/save" not in answers


def test_all_who_ask_the_same_are_told_that_the_engine_has_gone() -> None:
    answers, refused = Answers(), []

    def ask() -> None:
        try:
            answers.ask("/vqss/preset/list", lambda: None, PATIENCE_S)
        except VQSSError as error:
            refused.append(str(error))

    asking = [threading.Thread(target=ask) for _ in range(3)]
    for thread in asking:
        thread.start()
    wait_until(lambda: len(answers._waiting.get("/vqss/preset/list", ())) == 3)
    answers.fail("gone")
    for thread in asking:
        thread.join(5.0)
    assert refused == ["gone"] * 3
