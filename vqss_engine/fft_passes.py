"""The passes of the FFT in vector code; fft.py puts them together.

`work` holds two buffers of n complex points, each as planes of n + PAD floats; `source`, `target` and `table` are
where a pass finds its input, output and twiddles. A pass of stride s is preceded by passes of total radix s.
"""

from __future__ import annotations

from typing import Any

from vqss_engine.simd import WIDTH, Code, Complex, Index, vector_code

PAD = 16
"""Floats between planes: room for point n, and planes that do not share their place in the cache."""


def _butterfly(points: list[Complex]) -> list[Complex]:
    """Forward transform of four points."""
    a, b, c, d = points
    even, odd, difference, turned = a + c, b + d, a - c, (b - d).turned()
    return [even + odd, difference + turned, even - odd, difference - turned]


def _close_pass(code: Code, points: list[Complex], tables: Any, twiddle: Index, work: Any, start: Index, n: Index,
                chunk: int) -> None:
    """Butterfly and twiddles of WIDTH lanes whose outputs lie `chunk` apart, in four vectors from `start` on."""
    outputs, quarter = _butterfly(points), n // 4
    for row in range(1, 4):
        outputs[row] *= code.load_planes(tables, twiddle + quarter * (2 * row - 2), quarter)
    for place, rows in ((start, [o.re for o in outputs]), (start + n + PAD, [o.im for o in outputs])):
        low, low_rest = rows[0].interleaved(rows[2], chunk)
        high, high_rest = rows[1].interleaved(rows[3], chunk)
        for index, vector in enumerate(low.interleaved(high, chunk) + low_rest.interleaved(high_rest, chunk)):
            code.store(work, place + index * WIDTH, vector)


@vector_code
def first_pass_windowed(code: Code, frame: Any, window: Any, tables: Any, table: Index, work: Any, target: Index,
                        n: Index) -> None:
    """Pass of stride 1 from real samples, even ones as real and odd ones as imaginary parts."""
    with code.loop(n // 4) as i:
        points = []
        for row in range(4):
            start = (i + n // 4 * row) * 2
            halves = [code.load(frame, place) * code.load(window, place) for place in (start, start + WIDTH)]
            points.append(Complex(*halves[0].separated(halves[1])))
        _close_pass(code, points, tables, table + i, work, target + i * 4, n, 1)


def _close_pass_from_planes(chunk: int) -> Any:
    def write(code: Code, tables: Any, table: Index, work: Any, source: Index, target: Index, n: Index) -> None:
        with code.loop(n // 4) as i:
            points = [code.load_planes(work, source + i + n // 4 * row, n + PAD) for row in range(4)]
            _close_pass(code, points, tables, table + i, work, target + i * 4, n, chunk)
    return vector_code(write)


first_pass = _close_pass_from_planes(1)
second_pass = _close_pass_from_planes(4)


@vector_code
def wide_pass(code: Code, tables: Any, table: Index, work: Any, source: Index, target: Index, n: Index,
               stride: Index) -> None:
    """Radix-4 pass whose lanes share their twiddles."""
    groups = n // 4 // stride
    with code.loop(groups, 1) as group:
        twiddles = [code.load_planes_repeated(tables, table + group * 6 + row * 2, 1) for row in range(3)]
        with code.loop(stride) as lane:
            begin = source + lane + group * stride
            points = [code.load_planes(work, begin + n // 4 * row, n + PAD) for row in range(4)]
            for row, output in enumerate(_butterfly(points)):
                value = output * twiddles[row - 1] if row else output
                code.store_planes(work, target + lane + (group * 4 + row) * stride, n + PAD, value)


@vector_code
def halving_pass(code: Code, tables: Any, table: Index, work: Any, source: Index, target: Index, n: Index,
                  stride: Index) -> None:
    """Radix-2 pass, for sizes that are no power of four."""
    with code.loop(n // 2 // stride, 1) as group:
        twiddle = code.load_planes_repeated(tables, table + group * 2, 1)
        with code.loop(stride) as lane:
            begin = source + lane + group * stride
            a, b = (code.load_planes(work, begin + n // 2 * row, n + PAD) for row in range(2))
            place = target + lane + group * 2 * stride
            code.store_planes(work, place, n + PAD, a + b)
            code.store_planes(work, place + stride, n + PAD, (a - b) * twiddle)


@vector_code
def last_pass(code: Code, work: Any, source: Index, target: Index, n: Index) -> None:
    with code.loop(n // 4) as i:
        points = [code.load_planes(work, source + i + n // 4 * row, n + PAD) for row in range(4)]
        for row, output in enumerate(_butterfly(points)):
            code.store_planes(work, target + i + n // 4 * row, n + PAD, output)


def _last_pass_to_samples(first_row: int) -> Any:
    """Last pass of the inverse, which writes samples times window: all quarters, or the last alone."""
    def write(code: Code, work: Any, source: Index, window: Any, samples: Any, n: Index) -> None:
        with code.loop(n // 4) as i:
            points = [code.load_planes(work, source + i + n // 4 * row, n + PAD) for row in range(4)]
            for row, output in enumerate(_butterfly(points)[first_row:]):
                start = (i + n // 4 * row) * 2
                for part, vector in enumerate(output.im.interleaved(output.re)):
                    place = start + part * WIDTH
                    code.store(samples, place, vector * code.load(window, place))
    return vector_code(write)


last_pass_to_frame = _last_pass_to_samples(0)
last_pass_to_quarter = _last_pass_to_samples(3)


def _recombined(code: Code, near: Complex, far: Complex, turn: Complex) -> tuple[Complex, Complex]:
    """Bins k and n - k of one transform from those of the other; `far` and its result run backwards."""
    far = far.reversed().conjugate()
    half, twisted = (near + far).scaled(code.constant(0.5)), (near - far) * turn
    return half + twisted, (half - twisted).conjugate().reversed()


@vector_code
def to_spectrum(code: Code, work: Any, source: Index, tables: Any, table: Index, spectrum: Any, n: Index) -> None:
    with code.loop(n // 2) as k:
        mirror = n - k - (WIDTH - 1)
        near, far = (code.load_planes(work, source + place, n + PAD) for place in (k, mirror))
        turn = code.load_planes(tables, table + k, n // 2)
        near, far = _recombined(code, near, far, turn)
        code.store_pairs(spectrum, k * 2, near)
        code.store_pairs(spectrum, mirror * 2, far)


def _from_spectrum(masked: bool) -> Any:
    """Writes swapped planes, so that forward passes compute the inverse; masked: of spectrum times a real gain."""
    def combine(code: Code, near: Complex, far: Complex, tables: Any, table: Index, work: Any, target: Index,
                n: Index, k: Index, mirror: Index) -> None:
        near, far = _recombined(code, near, far, code.load_planes(tables, table + k, n // 2).conjugate())
        code.store_planes(work, target + k, n + PAD, near.swapped())
        code.store_planes(work, target + mirror, n + PAD, far.swapped())

    def plain(code: Code, spectrum: Any, tables: Any, table: Index, work: Any, target: Index, n: Index) -> None:
        with code.loop(n // 2) as k:
            mirror = n - k - (WIDTH - 1)
            near, far = (code.load_pairs(spectrum, place * 2) for place in (k, mirror))
            combine(code, near, far, tables, table, work, target, n, k, mirror)

    def with_gain(code: Code, spectrum: Any, gain: Any, tables: Any, table: Index, work: Any, target: Index,
                  n: Index) -> None:
        with code.loop(n // 2) as k:
            mirror = n - k - (WIDTH - 1)
            near, far = (code.load_pairs(spectrum, place * 2).scaled(code.load(gain, place)) for place in (k, mirror))
            combine(code, near, far, tables, table, work, target, n, k, mirror)

    return vector_code(with_gain if masked else plain)


from_spectrum = _from_spectrum(masked=False)
from_masked_spectrum = _from_spectrum(masked=True)
