"""Kernels of `device_mixer`: from stems to frames, and from spectra to what the losses need, each in one pass.

The same sums as in `mixing`, over lanes of mask bins of one width. Sums run over clips in the plan's order: a step is
repeatable.
"""

from __future__ import annotations

import triton
import triton.language as tl

from vqss_engine.numerics import SILENCE

_SILENCE = tl.constexpr(SILENCE)


@triton.jit
def read_frames(  # type: ignore[no-untyped-def]
    samples, first, length, start, speed, window, out, HOP: tl.constexpr, LENGTH: tl.constexpr
):
    """out (n, T, LENGTH): windowed frames of clips that begin at `start` (n,) of stems at `first` (n,), by cubic
    interpolation as `mixing.read_at_speed`. Grid (n, T)."""
    clip, frame = tl.program_id(0), tl.program_id(1)
    lane = tl.arange(0, LENGTH)
    position = tl.load(start + clip) + (frame * HOP + lane).to(tl.float64) * tl.load(speed + clip)
    floor = tl.floor(position)
    t = (position - floor).to(tl.float32)
    base = floor.to(tl.int64)
    inside = (base >= 1) & (base + 2 < tl.load(length + clip))
    place = samples + tl.load(first + clip) + base
    y0 = tl.load(place - 1, mask=inside, other=0).to(tl.float32)
    y1 = tl.load(place, mask=inside, other=0).to(tl.float32)
    y2 = tl.load(place + 1, mask=inside, other=0).to(tl.float32)
    y3 = tl.load(place + 2, mask=inside, other=0).to(tl.float32)
    c1 = 0.5 * (y2 - y0)
    c2 = y0 - 2.5 * y1 + 2.0 * y2 - 0.5 * y3
    c3 = 0.5 * (y3 - y0) + 1.5 * (y1 - y2)
    value = (((c3 * t + c2) * t + c1) * t + y1) / 32768.0
    row = (clip * tl.num_programs(1) + frame).to(tl.int64)
    tl.store(out + row * LENGTH + lane, value * tl.load(window + lane))


@triton.jit
def _channels(spectra, tone, turn, gains, clip, here, frame, frames, bins, bin, inside):  # type: ignore[no-untyped-def]
    """Real and imaginary part of both channels of one clip in some bins; nothing where there is none."""
    alive = inside & here
    place = ((clip * frames + frame).to(tl.int64) * bins + bin) * 2
    level = tl.load(tone + clip * bins + bin, mask=alive, other=0.0)
    real = tl.load(spectra + place, mask=alive, other=0.0) * level
    imag = tl.load(spectra + place + 1, mask=alive, other=0.0) * level
    cosine = tl.load(turn + (clip * bins + bin) * 2, mask=alive, other=0.0)
    sine = tl.load(turn + (clip * bins + bin) * 2 + 1, mask=alive, other=0.0)
    left = tl.load(gains + clip * 2, mask=here, other=0.0)
    right = tl.load(gains + clip * 2 + 1, mask=here, other=0.0)
    turned_real, turned_imag = real * cosine - imag * sine, real * sine + imag * cosine
    return real * left, imag * left, turned_real * right, turned_imag * right


@triton.jit
def _summed(  # type: ignore[no-untyped-def]
    spectra, tone, turn, gains, begin, end, frame, frames, bins, bin, inside, MOST: tl.constexpr, LANES: tl.constexpr
):
    """The same of the clips begin … end - 1, at most MOST, together."""
    a, b = tl.zeros([LANES], tl.float32), tl.zeros([LANES], tl.float32)
    c, d = tl.zeros([LANES], tl.float32), tl.zeros([LANES], tl.float32)
    for j in range(MOST):
        clip = begin + j
        e, f, g, h = _channels(spectra, tone, turn, gains, clip, clip < end, frame, frames, bins, bin, inside)
        a += e
        b += f
        c += g
        d += h
    return a, b, c, d


@triton.jit
def sum_mixes(  # type: ignore[no-untyped-def]
    spectra, tone, turn, gains, first, both, power, side, frames, bins, mask_bins, low, bin_low, count,
    MOST: tl.constexpr, WIDTH: tl.constexpr, LANES: tl.constexpr, KEEP: tl.constexpr,
):  # fmt: skip
    """power, side (B, T, M) of mixes of the clips first[b] … first[b + 1] - 1, at most MOST; with KEEP also both
    (B, T, F, 4), the channels themselves. For `count` mask bins of WIDTH from `low` on. Grid (B, T)."""
    mix, frame = tl.program_id(0), tl.program_id(1)
    lane = tl.arange(0, LANES)
    inside = lane < count
    begin, end = tl.load(first + mix), tl.load(first + mix + 1)
    row = (mix * frames + frame).to(tl.int64)
    total, difference = tl.zeros([LANES], tl.float32), tl.zeros([LANES], tl.float32)
    for k in tl.static_range(WIDTH):
        bin = bin_low + lane * WIDTH + k
        a, b, c, d = _summed(
            spectra, tone, turn, gains, begin, end, frame, frames, bins, bin, inside, MOST, LANES
        )
        if KEEP:
            place = both + (row * bins + bin) * 4
            tl.store(place, a, mask=inside)
            tl.store(place + 1, b, mask=inside)
            tl.store(place + 2, c, mask=inside)
            tl.store(place + 3, d, mask=inside)
        total += 0.5 * (a * a + b * b + c * c + d * d)
        difference += (a - c) * (a - c) + (b - d) * (b - d)
    tl.store(power + row * mask_bins + low + lane, total, mask=inside)
    tl.store(side + row * mask_bins + low + lane, difference / (4.0 * total + _SILENCE), mask=inside)


@triton.jit
def sum_targets(  # type: ignore[no-untyped-def]
    spectra, tone, turn, gains, first, owner, slot, both, cross, energy, frames, bins, mask_bins, slots, low, bin_low,
    count, MOST: tl.constexpr, WIDTH: tl.constexpr, LANES: tl.constexpr,
):  # fmt: skip
    """cross (B, S, T, M) of targets, the sums of the clips first[u] … first[u + 1] - 1, in the mix owner[u] and its
    slot[u]; their power (U, T) is added to energy. Else as `sum_mixes`. Grid (U, T)."""
    target, frame = tl.program_id(0), tl.program_id(1)
    lane = tl.arange(0, LANES)
    inside = lane < count
    begin, end = tl.load(first + target), tl.load(first + target + 1)
    mix = tl.load(owner + target)
    shared, own = tl.zeros([LANES], tl.float32), tl.zeros([LANES], tl.float32)
    for k in tl.static_range(WIDTH):
        bin = bin_low + lane * WIDTH + k
        a, b, c, d = _summed(
            spectra, tone, turn, gains, begin, end, frame, frames, bins, bin, inside, MOST, LANES
        )
        place = both + ((mix * frames + frame).to(tl.int64) * bins + bin) * 4
        shared += a * tl.load(place, mask=inside, other=0.0) + b * tl.load(place + 1, mask=inside, other=0.0)
        shared += c * tl.load(place + 2, mask=inside, other=0.0) + d * tl.load(place + 3, mask=inside, other=0.0)
        own += a * a + b * b + c * c + d * d
    row = (mix * slots + tl.load(slot + target)) * frames + frame
    tl.store(cross + row.to(tl.int64) * mask_bins + low + lane, 0.5 * shared, mask=inside)
    place = energy + target * frames + frame
    tl.store(place, tl.load(place) + 0.5 * tl.sum(own, axis=0))
