"""Work beside the Qt thread: what comes of it is told there; a window that closes waits for it, but not for ever."""

from __future__ import annotations

import ast
import threading
import time
from pathlib import Path

import pytest
from PyQt6.QtTest import QTest

from gui.background import Background
from gui.services import Overview, Services
from tests.gui_windows import application, settle, wait_until, window_on
from vqss_engine.control import ControlSurface
from vqss_engine.errors import VQSSError

GUI = Path(__file__).resolve().parent.parent / "gui"


class Told:
    """What a piece of work came to, where it was done and where it was told."""

    def __init__(self, background: Background) -> None:
        self._background = background
        self.results: list[object] = []
        self.errors: list[str] = []
        self.worked: list[threading.Thread] = []
        self.told: list[threading.Thread] = []

    def run(self, work: object) -> None:
        self._background.run(
            "a piece of work", lambda: self._work(work), lambda result: self._note(self.results, result),
            lambda text: self._note(self.errors, text), "it could not be done",
        )  # fmt: skip

    def _work(self, work: object) -> object:
        self.worked.append(threading.current_thread())
        if isinstance(work, Exception):
            raise work
        return work() if callable(work) else work

    def _note(self, where: list, what: object) -> None:
        self.told.append(threading.current_thread())
        where.append(what)


@pytest.fixture
def told() -> Told:
    application()
    return Told(Background())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(
    ("work", "result", "error"),
    [
        ("a song", ["a song"], []),
        (None, [None], []),
        (VQSSError("no song; open another"), [], ["no song; open another"]),
        (ZeroDivisionError("unforeseen"), [], ["it could not be done; what went wrong is in the terminal"]),
    ],
)
def test_what_comes_of_it_is_told_once_on_the_qt_thread(
    told: Told, work: object, result: list[object], error: list[str]
) -> None:
    told.run(work)
    wait_until(lambda: told.told)
    settle()
    assert (told.results, told.errors) == (result, error)
    assert told.told == [threading.main_thread()]
    assert told.worked[0].name == "a piece of work" and told.worked[0] is not threading.main_thread()


def test_several_go_on_beside_each_other_and_the_qt_thread_beside_them(told: Told) -> None:
    together = threading.Barrier(3)
    for _ in range(2):
        told.run(together.wait)
    QTest.qWait(20)
    assert not told.results
    together.wait(10.0)
    wait_until(lambda: len(told.results) == 2)


def test_closing_waits_for_it_and_tells_nothing_any_more(told: Told) -> None:
    told.run(lambda: time.sleep(0.2))
    assert told._background.close()
    assert not told.worked[0].is_alive()
    told.run("later")
    settle()
    assert not told.told and len(told.worked) == 1


def test_what_hangs_does_not_keep_a_window_open(tmp_path: Path) -> None:
    reads, ends = threading.Event(), threading.Event()

    def hang(path: Path) -> Overview:
        reads.set()
        ends.wait(60.0)
        raise VQSSError("too late")

    services = Services(hang, lambda path: path.name, lambda source: tmp_path / source)
    with window_on(ControlSurface(2), tmp_path, services) as window:
        window.transport.open_song(tmp_path / "song.wav")
        settle()
        assert reads.wait(10.0)
        began_s = time.monotonic()
        window.close()
        assert time.monotonic() - began_s < 3.0
        ends.set()
        settle()
        assert not window.errors.isVisible()


def test_what_a_window_reads_has_ended_when_it_has_closed(tmp_path: Path) -> None:
    ended = []

    def read(path: Path) -> Overview:
        time.sleep(0.2)
        ended.append(path)
        raise VQSSError("no song")

    with window_on(ControlSurface(2), tmp_path, Services(read, lambda path: path.name, lambda source: tmp_path / source)
                   ) as window:  # fmt: skip
        window.transport.open_song(tmp_path / "song.wav")
        settle()
        window.close()
        assert ended == [tmp_path / "song.wav"]


def test_nothing_else_in_the_window_starts_threads() -> None:
    starters = [
        path.name for path in GUI.glob("*.py") for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "Thread"
    ]  # fmt: skip
    assert starters == ["background.py"]
