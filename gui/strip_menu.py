"""The menu of a strip: colour, joining and leaving groups, reset."""

from __future__ import annotations

from PyQt6.QtGui import QColor, QIcon, QPixmap
from PyQt6.QtWidgets import QMenu, QWidget

from gui.menus import add_action, new_menu
from gui.model import MixerModel, cluster_path

COLORS = {
    "red": "#e5584f", "orange": "#f08a3c", "amber": "#f2b53a", "lime": "#b5cf4a", "green": "#5fc77a",
    "teal": "#40c4b4", "sky": "#5bb8f0", "blue": "#6f93f5", "violet": "#a283f2", "pink": "#ec7fc0",
    "sand": "#c9b08a", "grey": "#a5afbb",
}  # fmt: skip
RESET = {"gain": 0.0, "mute": False, "solo": False, "pan": 0.0, "group": -1}


def swatch(color: str) -> QIcon:
    """A square of a colour."""
    picture = QPixmap(16, 16)
    picture.fill(QColor(color))
    return QIcon(picture)


def build_menu(k: int, model: MixerModel, parent: QWidget) -> QMenu:
    """The menu of cluster `k`, as things stand now; it goes when it is closed."""
    menu = new_menu(parent)
    menu.setAccessibleName(f"Menu of cluster {k}")
    colors = menu.addMenu("Colour")
    joins = menu.addMenu("Join to")
    assert colors is not None and joins is not None
    for name, color in COLORS.items():
        _add(colors, name, model, {cluster_path(k, "color"): color}, swatch(color))
    followers = set(model.members(k))
    for other in range(model.clusters):
        if other != k and other not in followers and model.leader(other) == other:
            text = f"{other}  {model.text(cluster_path(other, 'name'))}".rstrip()
            icon = swatch(model.text(cluster_path(other, "color")))
            _add(joins, text, model, {cluster_path(k, "group"): other}, icon)
    joins.setEnabled(not joins.isEmpty())
    if model.leader(k) != k:
        _add(menu, "Leave the group", model, {cluster_path(k, "group"): -1})
    if followers:
        _add(menu, "Dissolve the group", model, {cluster_path(other, "group"): -1 for other in followers})
    menu.addSeparator()
    _add(menu, "Reset the strip", model, {cluster_path(k, leaf): value for leaf, value in RESET.items()})
    return menu


def _add(menu: QMenu, text: str, model: MixerModel, values: dict[str, object], icon: QIcon | None = None) -> None:
    action = add_action(menu, text, lambda: model.move(values))
    if icon:
        action.setIcon(icon)
