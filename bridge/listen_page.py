"""A page to listen by: separated songs with a player for the mix and for each cluster, for any browser, with no server.

Everything the page needs lies beside it, so that a folder can be moved, zipped or put on any web server as it is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from bridge.audio_files import AudioReader
from bridge.console import counted
from bridge.figure import DYNAMIC_RANGE_DB
from bridge.files import Separation
from bridge.manifest import PAGE_STRIP_NAME, PICTURE_NAME, printable
from bridge.mel_picture import MelPicture
from bridge.output_folder import check_free, check_no_file
from vqss_engine.errors import VQSSError

PAGE_NAME = "index.html"
GOLDEN_ANGLE = 137.5  # between the hues of neighbouring clusters
_BLOCK_SAMPLES = 65536


@dataclass(frozen=True)
class Track:
    """A player of the page: `index` is the cluster, None for the mix; `share` its part of the energy, 0…1."""

    index: int | None
    name: str
    share: float
    file: str
    strip: str

    @property
    def title(self) -> str:
        return "mix" if self.index is None else f"cluster {self.index} {self.name}".strip()


def check_page(out: Path, folders: Iterable[Path], overwrite: bool) -> None:
    """Raise VQSSError where `out` is no folder, or it or the songs' `folders` hold what may not be overwritten."""
    check_no_file(out)
    if (out / PAGE_NAME).is_dir():
        raise VQSSError(f"'{out / PAGE_NAME}' is a folder; choose another one with -o")
    if (out / PAGE_NAME).exists() and not overwrite:
        raise VQSSError(f"'{out / PAGE_NAME}' already exists; pass --overwrite or choose another folder with -o")
    for folder in folders:
        check_free(folder, overwrite, of_page=True)


def draw_strips(folder: Path, manifest: dict[str, Any]) -> None:
    """Draw the strip of each track into the folder of a separated song. Raises OSError."""
    from matplotlib.image import imsave

    top = 0.0
    for track in _tracks(manifest, sorted(path.name for path in folder.iterdir())):
        levels = _mel_levels(folder / track.file)
        if track.index is None:
            top = 5.0 * float(np.ceil(levels.max() / 5.0))
        imsave(folder / track.strip, levels, vmin=top - DYNAMIC_RANGE_DB, vmax=top, cmap="magma", origin="lower")


def _tracks(manifest: dict[str, Any], files: Sequence[str]) -> list[Track]:
    """The mix, then the clusters that were written, by falling energy."""
    mix = next(name for name in files if name.startswith("mixdown."))
    return [Track(None, "mix", 1.0, mix, PAGE_STRIP_NAME)] + [
        Track(c["index"], c["name"], c["share"], c["file"], f"mel_{c['index']:02d}.png")
        for c in sorted(manifest["clusters"], key=lambda c: -c["share"])
        if c["file"]
    ]


def _mel_levels(path: Path) -> NDArray[np.float32]:
    with AudioReader(path) as reader:
        picture = MelPicture(1, reader.channels, reader.sample_rate)
        for block in reader.blocks(_BLOCK_SAMPLES):
            picture.process(block[None])
    picture.finish()
    return picture.decibels()[0]


def write_page(out: Path, songs: Sequence[Separation]) -> None:
    """Write `out`/index.html for songs whose folders will lie beside it. Raises OSError."""
    pages = resources.files("bridge") / "pages"
    parts = {name: (pages / f"listen.{suffix}").read_text("utf-8") for name, suffix in _PARTS.items()}
    model = songs[0].manifest["model"]
    clusters = counted(model["clusters"], "cluster")
    title = printable(songs[0].folder.name) if len(songs) == 1 else f"{len(songs)} songs"
    values = {
        **parts,
        "TITLE": escape(f"{title}, cluster by cluster"),
        "SUBTITLE": f"The mix, and the {clusters} that {escape(model['name'])} finds in it.",
        "SONGS": "\n".join(map(_song, songs)),
    }
    page = re.sub("@([A-Z]+)@", lambda found: values[found[1]], values["PAGE"])
    (out / PAGE_NAME).write_text(page, encoding="utf-8")


_PARTS = {"PAGE": "html", "STYLE": "css", "SCRIPT": "js"}


def _song(separation: Separation) -> str:
    tracks = _tracks(separation.manifest, separation.manifest["files"])
    manifest, base = separation.manifest, quote(os.fsencode(separation.folder.name))
    seconds = manifest["frames"] / manifest["sample_rate"]
    title = escape(printable(separation.folder.name), quote=True)
    channels = "stereo" if manifest["channels"] == 2 else "mono"
    facts = f"{counted(len(tracks) - 1, 'cluster')}, {seconds:.1f} s, {channels}, {manifest['sample_rate']} Hz"
    rows = "\n".join(_row(track, base) for track in tracks)
    return f"""<section class="song" aria-label="{title}" data-title="{title}" data-seconds="{seconds:.6f}">
<div class="head"><h2>{title}</h2><p class="facts">{facts}</p></div>
<div class="transport">
<button type="button" class="play" aria-label="Play {title}">Play</button>
<input type="range" class="seek" min="0" max="{seconds:.6f}" step="0.01" value="0" aria-label="Position in {title}">
<span class="clock">0:00</span>
<button type="button" class="all">Whole mix</button>
</div>
<ol class="rows">
{rows}
</ol>
<details><summary>Mel spectrograms of the mix and of all clusters, on one scale</summary>
<img src="{base}/{PICTURE_NAME}" loading="lazy" alt="Log-mel spectrograms of the mix and of every cluster of {title}">
</details>
</section>"""


def _row(track: Track, base: str) -> str:
    title, name = escape(track.title, quote=True), escape(track.name)
    number = "" if track.index is None else str(track.index)
    hue = 0.0 if track.index is None else track.index * GOLDEN_ANGLE % 360
    share = "what went in" if track.index is None else f"{100 * track.share:.1f} % of the energy"
    switches = "" if track.index is None else _switches(title)
    return f"""<li class="row{" mix" if track.index is None else ""}" data-title="{title}" style="--hue: {hue:.1f}">
<div class="label"><b>{number}</b><span class="name">{name or "unnamed"}</span><small>{share}</small></div>
<div class="switches">{switches}</div>
<input type="range" class="volume" min="0" max="1" step="0.01" value="1" aria-label="Volume of {title}">
<div class="strip"><img src="{base}/{quote(track.strip)}" alt="Mel spectrogram of {title}"><i></i></div>
<audio controls preload="none" src="{base}/{quote(track.file)}"></audio>
</li>"""


def _switches(title: str) -> str:
    return "".join(
        f'<button type="button" class="{kind}" aria-pressed="false" aria-label="{kind.capitalize()} {title}">'
        f"{kind[0].upper()}</button>"
        for kind in ("mute", "solo")
    )


def page_report(page: Path | None, songs: list[dict[str, Any]], failed: list[dict[str, str]]) -> dict[str, Any]:
    """What the command says with --json."""
    return {"page": None if page is None else str(page), "songs": songs, "failed": failed}
