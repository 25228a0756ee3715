"""A stopped `vqss separate --jobs`: one line, nothing unfinished, and no worker that goes on."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile

from vqss_engine import stop_signals
from vqss_engine.stop_signals import stopped_once

ROOT = Path(__file__).resolve().parent.parent
LONG_S = 120        # of songs that no machine separates before it is stopped


@contextmanager
def separating(out: Path, songs: Path) -> Iterator[subprocess.Popen[str]]:
    """The command with two workers, once both have begun a song; all of it ends with the test."""
    noise = (np.random.default_rng(0).standard_normal((44_100 * LONG_S, 1)) * 0.1).astype(np.float32)
    names = [str(songs / f"{name}.wav") for name in "abc"]
    for name in names:
        soundfile.write(name, noise, 44_100)
    run = subprocess.Popen(
        [sys.executable, "-m", "bridge", "separate", *names, "-o", str(out), "--jobs", "2"], cwd=ROOT,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    try:
        while run.poll() is None and len(list(out.glob(".*"))) < 2:
            time.sleep(0.05)
        yield run
    finally:
        with suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
        run.communicate()


def test_two_interrupts_are_one(tmp_path: Path) -> None:
    with separating(tmp_path / "out", tmp_path) as run:
        for _ in range(2):
            os.killpg(run.pid, signal.SIGINT)
            time.sleep(0.02)
        said = run.communicate(timeout=30)[1]
        assert said.startswith("vqss: stopped; unfinished output was removed\n")
        assert run.returncode != 0      # which it is depends on whether it has ended when the second one comes
        assert not list(tmp_path.glob("out/.*"))


@pytest.mark.parametrize("then", [signal.SIGINT, signal.SIGTERM])
def test_signals_after_the_first_do_not_cut_the_unwinding_short(then: signal.Signals) -> None:
    unwound: list[str] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, signal.default_int_handler) for number in numbers]
    try:
        with pytest.raises(KeyboardInterrupt), stopped_once():
            try:
                signal.raise_signal(signal.SIGINT)
            finally:
                signal.raise_signal(then)
                unwound.append("all")
        assert unwound == ["all"]
        assert signal.getsignal(signal.SIGINT) == signal.default_int_handler
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


@pytest.mark.parametrize(
    ("number", "error"), [(signal.SIGTERM, stop_signals.Stopped), (signal.SIGINT, KeyboardInterrupt)], ids=str
)
def test_an_error_that_got_lost_is_raised_again(
    number: int, error: type[BaseException], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A ctypes callback swallows what is raised in it, and kernels are compiled through such callbacks."""
    monkeypatch.setattr(stop_signals, "_asked", 0)
    callback = ctypes.CFUNCTYPE(None)(lambda: signal.raise_signal(number))
    before = [(each, signal.getsignal(each)) for each in (signal.SIGINT, *stop_signals.ending_signals())]
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)      # and put back what is there now
    try:
        stop_signals.end_on_signals()
        stop_signals.end_if_asked()
        callback()
        with pytest.raises(error):
            stop_signals.end_if_asked()
        assert capsys.readouterr().err == ""
    finally:
        for each, handler in before:
            signal.signal(each, handler)


def test_workers_end_with_a_command_that_is_killed(tmp_path: Path) -> None:
    with separating(tmp_path / "out", tmp_path) as run:
        workers = psutil.Process(run.pid).children()
        run.kill()
        assert not psutil.wait_procs(workers, timeout=30)[1]
        assert not list((tmp_path / "out").iterdir())
