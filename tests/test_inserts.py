"""Effects stay in step with each other, and one that fails is played unprocessed without a step."""

from __future__ import annotations

import numpy as np
import pytest

from vqss_engine.crossfade import Crossfade, Splice
from vqss_engine.delay import DelayLine
from vqss_engine.errors import VQSSError
from vqss_engine.inserts import MAIN, Deadline, InsertSet, Slot
from vqss_engine.limiter import Limiter
from vqss_engine.mixer import Layout

HOP, RATE, K = 64, 6400.0, 3
LAYOUT = Layout(K, 2, HOP, RATE)


class Late:
    """A gain that lags, like an effect with look-ahead."""

    def __init__(self, latency_samples: int, gain: float = 1.0) -> None:
        self.latency_samples, self.gain = latency_samples, np.float32(gain)
        self._line = DelayLine((2,), HOP, latency_samples)

    def process(self, block: np.ndarray) -> np.ndarray:
        block *= self.gain  # in place, as an effect may
        return self._line.process(block, np.empty_like(block))

    def reset(self) -> None:
        self._line.reset()


class Faulty(Late):
    """An effect that fails in a given way from its hop `at` on, `times` times."""

    def __init__(self, latency_samples: int, failure: object, at: int, times: int = 1) -> None:
        super().__init__(latency_samples, 0.5)
        self.failure, self.calls, self.at, self.times = failure, 0, at, times

    def process(self, block: np.ndarray) -> np.ndarray:
        out = super().process(block)
        self.calls += 1
        if self.calls < self.at or self.times == 0:
            return out
        self.times -= 1
        if isinstance(self.failure, Exception):
            raise self.failure
        return out[:, :-1] if self.failure == "short" else out * np.float32(self.failure)  # type: ignore[arg-type]


def noise(hops: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((K, 2, hops * HOP)).astype(np.float32)


def run(inserts: InsertSet, stems: np.ndarray, base: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    wet, rows = [], []
    everything, unity = np.ones(K, bool), np.ones((K, 2, 1), np.float32)
    for start in range(0, stems.shape[-1], HOP):
        part = slice(start, start + HOP)
        inserts.process(None if base is None else base[:, part].copy(), stems[..., part].copy(), everything, unity)
        wet.append(inserts.wet.copy())
        rows.append(inserts.rows.copy())
    return np.concatenate(wet, axis=-1), np.concatenate(rows, axis=-1)


@pytest.mark.parametrize("main_latency", [0, 9])
def test_inserts_of_any_latency_stay_aligned(main_latency: int) -> None:
    chains = {0: Late(5), 2: Late(150), MAIN: Late(main_latency)}
    inserts = InsertSet(chains, LAYOUT, pytest.fail, multi=True)
    stems, base = noise(12), noise(12, seed=1)[0]
    wet, rows = run(inserts, stems, base)
    latency = 150 + main_latency
    assert inserts.latency_samples == latency
    expected = stems.sum(axis=0) + base
    assert np.abs(wet[:, latency:] - expected[:, :-latency]).max() < 1e-5 and not wet[:, :latency].any()
    assert np.array_equal(rows[..., latency:], stems[..., :-latency])


def test_what_an_insert_does_in_place_stays_its_own() -> None:
    stems, unity = noise(1), np.ones((K, 2, 1), np.float32)
    given = stems.copy()
    InsertSet({0: Late(0, 0.5)}, LAYOUT, pytest.fail).process(None, given, np.ones(K, bool), unity)
    assert np.array_equal(given, stems)


def test_an_idle_insert_is_silent_and_starts_afresh() -> None:
    slow = Late(32)
    inserts = InsertSet({0: slow}, LAYOUT, pytest.fail)
    nothing, unity, stems = np.zeros(K, bool), np.ones((K, 2, 1), np.float32), noise(1)
    inserts.process(None, stems, ~nothing, unity)
    inserts.process(None, np.zeros_like(stems), nothing, unity)
    inserts.process(None, np.zeros_like(stems), ~nothing, unity)
    assert not inserts.rows[0].any()  # what was in the effect's delay is gone


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (RuntimeError("plug-in crashed"), "RuntimeError: plug-in crashed"),
        (np.nan, "non-finite"),
        (np.inf, "non-finite"),
        ("short", "shape (2, 63)"),
    ],
)
@pytest.mark.parametrize("latency", [0, 40])
def test_a_failing_insert_is_played_unprocessed_and_tried_again(failure: object, told: str, latency: int) -> None:
    reports: list[str] = []
    effect = Faulty(latency, failure, at=20)
    inserts = InsertSet({1: effect}, LAYOUT, reports.append)
    hops = 180
    stems = np.ones((K, 2, hops * HOP), np.float32)
    rows = run(inserts, stems)[1][1, 0]
    assert len(reports) == 1 and told in reports[0] and "cluster 1" in reports[0]
    assert np.abs(np.diff(rows[latency:])).max() < 0.02 and rows[latency:].min() >= 0.5 - 1e-6
    assert np.allclose(rows[latency : 19 * HOP], 0.5) and np.allclose(rows[-20 * HOP :], 0.5)
    assert np.array_equal(rows[21 * HOP : 100 * HOP], np.ones(79 * HOP))  # unprocessed for a second


def test_an_insert_that_keeps_failing_is_tried_ever_less() -> None:
    reports: list[str] = []
    effect = Faulty(0, ValueError("no"), at=1, times=10**6)
    rows = run(InsertSet({0: effect}, LAYOUT, reports.append), np.ones((K, 2, 1000 * HOP), np.float32))[1]
    assert 3 <= len(reports) == effect.calls <= 5
    assert np.array_equal(rows[0], np.ones_like(rows[0]))


def test_a_slow_insert_counts_as_failed() -> None:
    reports: list[str] = []
    slot = Slot("cluster 0", Late(0, 0.5), LAYOUT, 0, reports.append, Deadline(0.0))
    out = slot.process(np.ones((2, HOP), np.float32), np.empty((2, HOP), np.float32))
    assert np.array_equal(out, np.ones((2, HOP))) and "ms" in reports[0]


def test_bypass_crossfades_and_keeps_time() -> None:
    slot = Slot("main", Late(100, 0.0), LAYOUT, 100, pytest.fail, Deadline())
    signal, out = np.ones((2, HOP), np.float32), []
    for hop in range(30):
        slot.bypass = 10 <= hop < 20
        out.append(slot.process(signal.copy(), np.empty_like(signal)).copy())
    heard = np.concatenate(out, axis=1)[0]
    assert not heard[: 10 * HOP].any() and np.array_equal(heard[14 * HOP : 20 * HOP], np.ones(6 * HOP))
    assert np.abs(np.diff(heard)).max() < 0.02 and not heard[-4 * HOP :].any()


@pytest.mark.parametrize("key", [K, -1, "master", 1.5])
def test_impossible_places_are_one_error(key: object) -> None:
    with pytest.raises(VQSSError):
        InsertSet({key: Late(0)}, LAYOUT, pytest.fail)  # type: ignore[dict-item]


@pytest.mark.parametrize("latency", [-1, 10**6])
def test_impossible_latencies_are_one_error(latency: int) -> None:
    effect = Late(0)
    effect.latency_samples = latency
    with pytest.raises(VQSSError, match="effects on 1"):
        InsertSet({1: effect}, LAYOUT, pytest.fail)


def test_a_lost_signal_is_continued_without_a_step() -> None:
    fade, splice = Crossfade(HOP, 4), Splice((1,), HOP)
    time = np.arange(20 * HOP) / HOP
    wet, dry = np.cos(time)[None].astype(np.float32), np.sin(time)[None].astype(np.float32)
    heard = []
    for hop in range(20):
        part = slice(hop * HOP, (hop + 1) * HOP)
        fade.advance(1.0 if 5 <= hop < 9 else 0.0)
        lost = hop == 5
        heard.append(splice.mix(fade, None if lost else wet[:, part], dry[:, part], np.empty((1, HOP), np.float32)))
    heard_signal = np.concatenate(heard, axis=1)[0]
    assert np.abs(np.diff(heard_signal)).max() < 3.5 / HOP
    assert np.array_equal(heard_signal[: 5 * HOP], wet[0, : 5 * HOP])
    assert np.allclose(heard_signal[6 * HOP : 9 * HOP], dry[0, 6 * HOP : 9 * HOP])
    assert np.array_equal(heard_signal[13 * HOP :], wet[0, 13 * HOP :])


def test_the_limiter_leaves_full_scale_alone_and_nothing_above() -> None:
    limiter, rng = Limiter(HOP, RATE), np.random.default_rng(2)
    quiet = rng.uniform(-1, 1, (2, HOP)).astype(np.float32)
    assert np.array_equal(limiter.process(quiet.copy()), quiet)
    for _ in range(50):
        assert np.abs(limiter.process(rng.uniform(-4, 4, (2, HOP)).astype(np.float32))).max() <= 1.0
    for _ in range(200):
        settled = limiter.process(quiet.copy())
    assert np.array_equal(settled, quiet)
    loud = 4 * quiet
    assert np.array_equal(limiter.process(loud.copy(), enabled=False), loud)


def test_the_limiter_turns_down_all_channels_alike() -> None:
    limiter, block = Limiter(HOP, RATE), np.full((2, HOP), 0.5, np.float32)
    block[0] = 2.0
    limiter.process(block.copy())
    second = limiter.process(block.copy())
    assert np.allclose(second[0], 1.0) and np.allclose(second[1], 0.25)
