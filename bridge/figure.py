"""The picture of a separation: log-mel spectrograms of the mix and of every cluster, one row each, on one scale."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bridge.manifest import printable
from bridge.mel_picture import MelPicture
from vqss_engine.whole_files import written_whole

DYNAMIC_RANGE_DB = 80.0
_TICKS_HZ = (100, 1_000, 10_000)
_WIDTH_IN, _ROW_IN, _DPI = 11.0, 0.72, 130


def row_labels(names: Sequence[str]) -> list[str]:
    """`mix`, then `3` or `3 bass` for every cluster."""
    return ["mix", *(f"{index} {name}".strip() for index, name in enumerate(names))]


def save_picture(
    path: Path, picture: MelPicture, names: Sequence[str], title: str, active: Sequence[bool] | None = None
) -> None:
    """Draw `picture` (mix first, then the clusters) into the PNG file `path`, whole or not at all.

    `names` has one entry per cluster; labels of clusters that are not `active` are pale. Raises OSError.
    """
    figure = _draw(picture, row_labels(names), title, active)
    with written_whole(path) as partial, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name in a script that the font lacks is drawn as boxes
        figure.savefig(partial, dpi=_DPI, format="png")


def _draw(picture: MelPicture, labels: list[str], title: str, active: Sequence[bool] | None) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    levels = picture.decibels()
    top = 5.0 * float(np.ceil(levels[0].max() / 5.0))
    # Inches are kept free above for the title and below for the time axis.
    height = _ROW_IN * len(labels) + 1.1
    figure = Figure(figsize=(_WIDTH_IN, height), facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        len(labels), 1, left=0.13, right=0.885, bottom=0.6 / height, top=1.0 - 0.5 / height, hspace=0.07
    )
    image: Any = None
    for row, label in enumerate(labels):
        axes = figure.add_subplot(grid[row])
        image = axes.imshow(
            levels[row], origin="lower", aspect="auto", cmap="magma", interpolation="antialiased",
            vmin=top - DYNAMIC_RANGE_DB, vmax=top, extent=(0.0, max(picture.seconds, 1e-3), 0, levels.shape[1]),
        )  # fmt: skip
        shown = row == 0 or active is None or active[row - 1]
        _style_row(axes, picture, label, "#111111" if shown else "#aaaaaa", row, row == len(labels) - 1)
    _color_bar(figure, image, height)
    figure.text(0.13, 1.0 - 0.3 / height, printable(title), fontsize=12, weight="bold", va="center", parse_math=False)
    return figure


def _style_row(axes: Any, picture: MelPicture, label: str, color: str, row: int, is_last: bool) -> None:
    weight = "bold" if row == 0 else "normal"
    axes.set_ylabel(
        label, rotation=0, ha="right", va="center", fontsize=10, labelpad=10, color=color, weight=weight,
        parse_math=False,
    )  # fmt: skip
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color("#666666")
        spine.set_linewidth(0.5)
    axes.tick_params(axis="x", labelbottom=is_last, length=3 if is_last else 0, labelsize=9)
    if is_last:
        axes.set_xlabel("time, s", fontsize=10)
    if row == 0:
        _frequency_ticks(axes, picture)


def _frequency_ticks(axes: Any, picture: MelPicture) -> None:
    ticks = [hz for hz in _TICKS_HZ if hz < picture.centres_hz[-1]]
    rows = np.interp(ticks, picture.centres_hz, np.arange(picture.centres_hz.size))
    axes.yaxis.tick_right()
    axes.set_yticks(rows, [f"{hz} Hz" if hz < 1000 else f"{hz // 1000} kHz" for hz in ticks], fontsize=6)


def _color_bar(figure: Any, image: Any, height: float) -> None:
    axes = figure.add_axes((0.925, 0.6 / height, 0.015, 3.0 * _ROW_IN / height))
    bar = figure.colorbar(image, cax=axes)
    bar.ax.tick_params(labelsize=8)
    bar.ax.set_title("dB", fontsize=8)
