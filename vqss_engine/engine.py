"""All of it, one hop per call: separation, faders, effects, and the dry mix to fall back on. No threads, no devices.

The output is never silent, clicking or bursting because of a fault: whatever fails, the dry mix takes over within
that hop, delayed as the separated sound is, and hands back once all has been healthy for long enough.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from vqss_engine.bundle import ModelBundle
from vqss_engine.config import StreamConfig
from vqss_engine.control import ControlSurface
from vqss_engine.crossfade import Crossfade, Splice, rise
from vqss_engine.inserts import Deadline, Insert
from vqss_engine.limiter import Limiter
from vqss_engine.meters import Meters
from vqss_engine.mixer import Layout, Mixer
from vqss_engine.renderer import ModelFault, Renderer
from vqss_engine.separator import StreamingSeparator
from vqss_engine.spectra import SpectrumView
from vqss_engine.telemetry import EngineState, Telemetry

Floats = NDArray[np.float32]

_LOAD_SMOOTHING_S = 0.5


class Engine:
    """Turns hops of a mix (C, H) into hops of what the mixer makes of its clusters.

    `multi`: also keep `stem_out` (K, C, H), one track per cluster after its effects and fader, before the main
    fader; the tracks always sum to the main output before main effects and fader. With all faders at 0 dB and no
    effects they are the stems themselves. While the dry mix is heard instead, every track carries 1/K of it.

    `inserts`: cluster number or 'main' -> effect (see `inserts.Insert`). `insert_deadline_s`: an effect that takes
    longer for a hop counts as failed; None, for files, lets it take its time. `insert_deadline` holds it while the
    engine runs, and is waived by a host that waits for the engine.

    Bypass and fallback play the input delayed by `latency_samples`, through the main fader and limiter.
    """

    def __init__(
        self,
        bundle: ModelBundle,
        stream: StreamConfig,
        channels: int,
        surface: ControlSurface | None = None,
        multi: bool = False,
        inserts: Mapping[int | str, Insert] | None = None,
        insert_deadline_s: float | None = None,
    ) -> None:
        self.separator = StreamingSeparator(bundle, stream, channels)
        self.hop, self.channels, self.clusters = stream.hop, channels, self.separator.clusters
        self.sample_rate = bundle.config.sample_rate
        self.clock_hz: float = self.sample_rate   # as its device counts, which may be near that only
        self.surface = surface or ControlSurface(self.clusters, bundle.cluster_names, bundle.cluster_colors)
        if self.surface.clusters != self.clusters:
            raise ValueError(f"the surface has {self.surface.clusters} clusters, the model {self.clusters}")
        layout = Layout(self.clusters, channels, self.hop, self.sample_rate)
        self.insert_deadline = deadline = Deadline(insert_deadline_s)
        self._renderer = Renderer(self.separator, layout, stream.synthesis, self.telemetry, multi, deadline)
        self._mixer = Mixer(self.clusters, channels, self.hop, self.sample_rate)
        self._fade, self._splice = Crossfade(self.hop, layout.fade_hops), Splice((channels,), self.hop)
        self._limiter = Limiter(self.hop, self.sample_rate)
        self._meters = Meters(self.telemetry, channels, self.hop, self.sample_rate)
        self._state = self.surface.state
        self._spectra = SpectrumView(bundle.config, stream)
        self._since_spectra = 0
        self._input: Floats = np.zeros((channels, self.hop), np.float32)
        self._dry: Floats = np.zeros((channels, self.hop), np.float32)
        self._out: Floats = np.zeros((channels, self.hop), np.float32)
        self._rise = rise(self.hop)
        self._stem_splice = Splice((self.clusters, channels), self.hop)
        self.stem_out: Floats | None = np.zeros((self.clusters, channels, self.hop), np.float32) if multi else None
        self._memory = bundle.config.window + stream.synthesis
        self._healthy = self._healthy_enough = 0
        self._fresh = True
        self.set_inserts(inserts or {}, at_once=True)

    @property
    def telemetry(self) -> Telemetry:
        """Where levels, load and faults are written: the surface's."""
        return self.surface.telemetry

    @property
    def latency_samples(self) -> int:
        """From the hop given to the hop returned: the separator's (synthesis - hop) and that of the inserts."""
        return self._renderer.latency_samples

    # A hop

    def process(self, block: Floats, out: Floats) -> Floats:
        """Take one hop (C, H), fill `out` (may be `block`) and return it. Raises nothing that sound can cause."""
        began = time.perf_counter()
        with np.errstate(all="ignore"):
            self._take(block)
            wet = self._render()
            self._finish(wet)
        out[...] = self._out
        self._count(time.perf_counter() - began)
        return out

    def process_dry(self, block: Floats, out: Floats) -> Floats:
        """Like `process` without separating, for a hop that would come too late: cheap, and counted as a fallback."""
        with np.errstate(all="ignore"):
            self._take(block)
            self._fall_back("")
            self._finish(False)
        out[...] = self._out
        self._count(None)
        return out

    def _take(self, block: Floats) -> None:
        """Keep the input, with 0 for what is not finite, and move the faders on."""
        self._input[...] = block
        if not math.isfinite(float(self._input.sum())) and not np.isfinite(self._input).all():
            np.nan_to_num(self._input, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
            self.telemetry.nonfinite_inputs += 1
        self._renderer.take(self._input)
        self._state = self.surface.state
        self._mixer.advance(self._state)

    def _render(self) -> bool:
        """Separate and mix the hop; False where that failed and only the dry mix can be played."""
        try:
            self._renderer.render(self._input, self._mixer.strips)
            if not math.isfinite(float(self._renderer.wet.sum())):
                raise ModelFault("separation gave non-finite values")
            self._healthy += 1
            return True
        except Exception as error:
            kind = "" if isinstance(error, ModelFault) else f"{type(error).__name__}: "
            self._fall_back(f"{kind}{error}")
        self.separator.reset()
        return False

    def _fall_back(self, fault: str) -> None:
        """Count a new fallback, and ask for a while of health before the separated sound is heard again."""
        if self._healthy >= self._healthy_enough:
            self.telemetry.fallbacks += 1
            if fault:
                self.telemetry.report(f"{fault}; the dry mix is played")
        self._healthy = 0
        self._healthy_enough = math.ceil((self._memory + self._renderer.longest_latency) / self.hop)

    def _finish(self, wet: bool) -> None:
        """From wet and dry to the output: crossfade, main fader, limiter, meters."""
        state, renderer = self._state, self._renderer
        dry = renderer.dry(self._dry)
        fallen = self._healthy < self._healthy_enough
        target = 1.0 if fallen or state.bypass else 0.0
        if self._fresh:
            self._fade.jump(target)
            self._fresh = False
        self._fade.advance(target)
        self._splice.mix(self._fade, renderer.wet if wet else None, dry, self._out)
        if self.stem_out is not None:
            dry *= np.float32(1.0 / self.clusters)
            self._stem_splice.mix(self._fade, renderer.rows if wet else None, dry[None], self.stem_out)
        self._main_fader()
        self._limiter.process(self._out, state.limiter)
        self._meters.update(renderer.powers if wet else None, self._out)
        self._show_spectra(wet)
        running = EngineState.BYPASSED if state.bypass else EngineState.RUNNING
        self.telemetry.state = EngineState.FALLBACK if fallen else running

    def _show_spectra(self, wet: bool) -> None:
        """Put spectra into the telemetry as often as somebody there wants them."""
        telemetry, runtime = self.telemetry, self.separator.runtime
        self._since_spectra += 1
        if wet and self._since_spectra * self.hop * telemetry.spectra_per_s >= self.sample_rate:
            telemetry.spectra = (telemetry.hops, self._spectra.render(runtime.power, self.separator.masks))
            self._since_spectra = 0

    def _main_fader(self) -> None:
        main = self._mixer.main
        start, end = main.start[0], main.end[0]
        if start != end:
            self._out *= start + (end - start) * self._rise
        elif end != 1.0:
            self._out *= end

    def _count(self, seconds: float | None) -> None:
        telemetry, budget_s = self.telemetry, self.hop / self.clock_hz
        telemetry.hops += 1
        telemetry.engine_latency_ms = 1000.0 * (self.latency_samples + self.hop) / self.clock_hz
        if seconds is None:
            return
        telemetry.hop_ms = 1000.0 * seconds
        telemetry.load += (seconds / budget_s - telemetry.load) * min(1.0, budget_s / _LOAD_SMOOTHING_S)

    # Around it

    def set_inserts(self, inserts: Mapping[int | str, Insert], at_once: bool = False) -> None:
        """Replace all effects, from any thread, while running: swapped at a hop, with a crossfade.

        `at_once` swaps here and now; only for before the stream starts. Raises VQSSError for a cluster there is not
        or a latency too long, and then changes nothing. `latency_samples` is the new one after the crossfade.
        """
        self._renderer.swap(inserts, at_once)

    def bypass_insert(self, key: int | str, bypass: bool) -> None:
        """Crossfade the effects on a cluster, or on 'main', to their unprocessed input, or back; from any thread."""
        self._renderer.bypass_insert(key, bypass)

    def warm_up(self, hops: int = 8) -> None:
        """Run on silence and reset, so that everything is compiled and paged in before the first real hop."""
        silence = np.zeros((self.channels, self.hop), np.float32)
        self.insert_deadline.waived, before = True, self.insert_deadline.waived  # first hops of effects are slow too
        for _ in range(hops):
            self.process(silence, self._dry.copy())
        self.insert_deadline.waived = before
        self.reset()

    def reset(self) -> None:
        """Begin a new stream: all sound, meters and ramps are forgotten; settings and counters stay."""
        self._renderer.reset()
        self._mixer.reset()
        self._limiter.reset()
        self._meters.reset()
        self._splice.reset()
        self._stem_splice.reset()
        self._fresh, self._healthy = True, self._healthy_enough
