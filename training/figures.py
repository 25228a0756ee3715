"""The paper's histogram: which classes of instruments the query encoder puts into which code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from vqss_engine.errors import UsageError


def check_kind(path: Path) -> None:
    """Raise UsageError where a picture is given another ending than that of its kind."""
    if path.suffix.lower() != ".png":
        raise UsageError(f"'{path}' is no PNG; give --figure a name that ends in .png")


def draw_histogram(histogram: dict[str, Any], path: str | Path) -> None:
    """Draw {"classes": [...], "counts": [[K] ...]} as a PNG, each class's clips as shares of its own."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    counts = np.asarray(histogram["counts"], float)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    classes, clusters = counts.shape
    figure = Figure(figsize=(0.55 * clusters + 2.5, 0.42 * classes + 1.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    image = axes.imshow(share, cmap="magma", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(clusters))
    axes.set_yticks(range(classes), [f"{name} ({int(n)})" for name, n in zip(histogram["classes"], counts.sum(1))])
    axes.set_xlabel("cluster")
    axes.set_title("Share of each class's clips by cluster")
    for row in range(classes):
        for column in range(clusters):
            if share[row, column] >= 0.05:
                shade = "black" if share[row, column] > 0.6 else "white"
                axes.text(column, row, f"{100 * share[row, column]:.0f}", ha="center", va="center", color=shade, size=7)
    figure.colorbar(image, ax=axes, shrink=0.8)
    figure.savefig(path, dpi=120, format="png")
