"""Several songs in one picture, one column a song, one row a cluster: what a cluster takes wherever it occurs."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bridge.figure import DYNAMIC_RANGE_DB, row_labels
from bridge.manifest import printable
from bridge.mel_picture import MelPicture
from vqss_engine.whole_files import written_whole

_COLUMN_IN, _ROW_IN, _DPI = 1.75, 0.5, 100
_LEVELS, _GRAYS = 26, 6
_LONGEST_TITLE = 21  # characters that fit a column


@dataclass(frozen=True)
class SongPicture:
    """A column: the song's title, the picture of its mix and clusters, and which clusters (K,) it uses."""

    title: str
    picture: MelPicture
    active: Sequence[bool]


def save_grid(path: Path, songs: Sequence[SongPicture], names: Sequence[str]) -> None:
    """Draw the songs into the PNG file `path`, whole or not at all; `names` has one entry a cluster.

    Every song is drawn on a scale of its own, of the same range. Raises OSError.
    """
    from PIL import Image

    canvas = _draw(songs, row_labels(names))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a title in a script that the font lacks is drawn as boxes
        canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    with written_whole(path) as partial:
        image.quantize(palette=_palette(), dither=Image.Dither.NONE).save(partial, format="PNG", optimize=True)


def short_title(title: str) -> str:
    """What of a title fits over a column: where it is longer, its beginning and its end, in which songs differ."""
    title = printable(title)
    if len(title) <= _LONGEST_TITLE:
        return title
    end = _LONGEST_TITLE // 2
    return f"{title[: _LONGEST_TITLE - end - 1]}…{title[-end:]}"


def _palette() -> Any:
    """Few colors, so that the file is small: steps of the color map, and grays for the labels."""
    from matplotlib import colormaps
    from PIL import Image

    levels = colormaps["magma"](np.linspace(0.0, 1.0, _LEVELS))[:, :3]
    grays = np.repeat(np.linspace(0.0, 1.0, _GRAYS)[:, None], 3, axis=1)
    image = Image.new("P", (1, 1))
    image.putpalette(np.round(255 * np.concatenate([levels, grays])).astype(np.uint8).tobytes())
    return image


def _draw(songs: Sequence[SongPicture], labels: list[str]) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width, height = 1.2 + _COLUMN_IN * len(songs), 0.75 + _ROW_IN * len(labels)
    figure = Figure(figsize=(width, height), dpi=_DPI, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        len(labels), len(songs), left=1.05 / width, right=1.0 - 0.1 / width, bottom=0.4 / height,
        top=1.0 - 0.3 / height, hspace=0.08, wspace=0.06,
    )  # fmt: skip
    for column, song in enumerate(songs):
        levels = song.picture.decibels()
        top = 5.0 * float(np.ceil(levels[0].max() / 5.0))
        for row, label in enumerate(labels):
            axes = figure.add_subplot(grid[row, column])
            axes.imshow(
                levels[row], origin="lower", aspect="auto", cmap="magma", interpolation="antialiased",
                vmin=top - DYNAMIC_RANGE_DB, vmax=top, extent=(0.0, max(song.picture.seconds, 1e-3), 0, 1),
            )  # fmt: skip
            shown = row == 0 or song.active[row - 1]
            _style(axes, label if column == 0 else "", row == len(labels) - 1, shown)
            if row == 0:
                axes.set_title(short_title(song.title), fontsize=9, parse_math=False)
    figure.text(0.5, 0.06 / height, "time, s", ha="center", va="bottom", fontsize=8)
    return canvas


def _style(axes: Any, label: str, is_last: bool, is_used: bool) -> None:
    axes.set_yticks([])
    if label:
        axes.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9, labelpad=6, parse_math=False)
    axes.tick_params(axis="x", labelbottom=is_last, length=2 if is_last else 0, labelsize=7)
    for spine in axes.spines.values():
        spine.set_color("#666666" if is_used else "#cccccc")
        spine.set_linewidth(0.5)
