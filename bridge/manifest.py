"""manifest.json: what a separated song's folder holds, for scripts."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bridge.stem_meter import StemMeter

FORMAT_VERSION = 1
MANIFEST_NAME, PICTURE_NAME = "manifest.json", "spectrograms.png"
PAGE_STRIP_NAME = "mel_mix.png"
"""What every song of a page has, and no other output."""


@dataclass(frozen=True)
class SongFacts:
    """What the manifest says of the song and the run; seconds are those it took, device what ran the network."""

    song: str
    sample_rate: int
    channels: int
    latency_samples: int
    seconds: float
    peak_rss_mb: float
    device: str


@dataclass(frozen=True)
class ModelFacts:
    """What the manifest says of the model; `names` has one entry per cluster, '' where it is unnamed."""

    name: str
    sha256: str
    names: tuple[str, ...]


def printable(name: str) -> str:
    """A file's name as text that can be written; bytes that are no UTF-8 become question marks."""
    return os.fsencode(name).decode("utf-8", "replace")


def stem_name(index: int, name: str) -> str:
    """`cluster_03`, or `cluster_03_<name>` with what file systems dislike in a name replaced by `_`."""
    safe = re.sub(r"[^\w-]+", "_", name).strip("_")
    return f"cluster_{index:02d}_{safe}" if safe else f"cluster_{index:02d}"


def build_manifest(
    song: SongFacts, model: ModelFacts, meter: StemMeter, files: dict[int, str]
) -> dict[str, Any]:
    """The manifest as plain data; `files` maps cluster to file name for the clusters that were written."""
    rms, peak, share = meter.rms_dbfs, meter.peak_dbfs, meter.share
    clusters = [
        {
            "index": index,
            "name": name,
            "file": files.get(index),
            "rms_dbfs": round(rms[index], 2),
            "peak_dbfs": round(peak[index], 2),
            "share": round(float(share[index]), 6),
            "active": bool(meter.active[index]),
        }
        for index, name in enumerate(model.names)
    ]
    return {
        "format": FORMAT_VERSION,
        "song": printable(song.song),
        "sample_rate": song.sample_rate,
        "channels": song.channels,
        "frames": meter.frames,
        "model": {"name": model.name, "sha256": model.sha256, "clusters": len(model.names)},
        "clusters": clusters,
        "null_dbfs": round(meter.null_dbfs, 2),
        "latency_samples": song.latency_samples,
        "seconds": round(song.seconds, 3),
        "realtime_factor": round(meter.frames / song.sample_rate / max(song.seconds, 1e-9), 3),
        "peak_rss_mb": round(song.peak_rss_mb, 1),
        "device": song.device,
    }


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write it with `files`, the names of all that is in the folder now. Raises OSError."""
    manifest["files"] = sorted(path.name for path in folder.iterdir())
    text = json.dumps(manifest, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / MANIFEST_NAME).write_text(text + "\n", encoding="utf-8")


def files_listed(folder: Path) -> set[str]:
    """The files in `folder` that its manifest lists, and the manifest; none where there is no valid one."""
    try:
        manifest = json.loads((folder / MANIFEST_NAME).read_text("utf-8"))
        listed = manifest["files"] if "files" in manifest else _files_told_by_clusters(manifest)
        return {MANIFEST_NAME, *(name for name in listed if name == Path(name).name)}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _files_told_by_clusters(manifest: dict[str, Any]) -> list[str]:
    """Where `files` is not told yet: the stems, and what else such a run may have written."""
    stems = [cluster["file"] for cluster in manifest["clusters"] if cluster["file"]]
    return [*stems, *{f"mixdown{Path(stem).suffix}" for stem in stems}, PICTURE_NAME]
