"""Colours, type and the one style sheet of the window. Every text reaches the contrast that WCAG 2.2 AA asks for."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PyQt6.QtGui import QColor, QFont, QPalette
from PyQt6.QtWidgets import QApplication, QWidget

WINDOW, PANEL, STRIP, STRIP_CURRENT = "#101216", "#171a20", "#1f232b", "#242b36"
WELL, LINE, CONTROL, CONTROL_HOVER = "#0b0d10", "#3a4250", "#2d333e", "#3a4250"
TEXT, TEXT_QUIET, FOCUS, FOCUS_DARK = "#eef1f5", "#a9b3c1", "#7cc4ff", "#1f5f93"
UNHEARD = "#5b6573"  # of meters; no text is so dark
MUTE, SOLO, ALERT, GOOD, WARN = "#ff7a66", "#ffd24a", "#ff6b5e", "#55d68b", "#ffb84d"
INK = "#101216"
"""Text on a lit control."""

TOUCH = 32
"""The least height of what is touched most, in device-independent pixels."""

SHORT_PX = 440
"""Strips that are lower save on everything but what is touched most."""


def tile_height(strip_height: int) -> int:
    """How tall the spectrogram in a strip of that height is."""
    return min(max(round(strip_height * 0.1), 22), 150)


def look_again(widget: QWidget) -> None:
    """Let a widget follow its properties in the style sheet, after they have changed."""
    style = widget.style()
    if style is not None:
        style.unpolish(widget)
        style.polish(widget)
    widget.update()


def chip_style(color: str) -> str:
    """The style of a button in a cluster's colour."""
    return (
        f"QPushButton {{ background: {color}; color: {ink_on(color)}; font-weight: 600; border: 2px solid {color}; }}"
        f"QPushButton:focus, QPushButton:hover {{ border: 2px solid {TEXT}; }}"
    )


def luminance(color: str | QColor) -> float:
    """Relative luminance 0...1 as WCAG 2.2 defines it."""
    parts = QColor(color).getRgbF()[:3]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in map(float, parts)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str | QColor, other: str | QColor) -> float:
    """The contrast ratio 1...21 of two colours (WCAG 2.2)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def ink_on(color: str | QColor) -> str:
    """Black or white, whichever reads better on `color`."""
    return max((INK, "#ffffff"), key=lambda ink: contrast(ink, color))


def mixed(one: str | QColor, other: str | QColor, part: float) -> QColor:
    """`one` with `part` (0...1) of `other` in it."""
    a, b = QColor(one), QColor(other)
    return QColor(*(round(x + (y - x) * part) for x, y in zip(a.getRgb()[:3], b.getRgb()[:3])))


@lru_cache(maxsize=128)
def spectrum_colors(color: str) -> tuple[int, ...]:
    """256 colours (0xffRRGGBB) from the well through `color` to white: dark is -90 dB."""
    # Below about -80 dB there is only noise to be seen; the root lifts what is soft.
    level = np.clip((np.arange(256) - 28) / 227, 0.0, 1.0) ** 0.75
    knots = np.array([QColor(shade).getRgb()[:3] for shade in (WELL, color, "#ffffff")])
    red, green, blue = (np.interp(level, (0.0, 0.7, 1.0), knots[:, i]).round().astype(int) for i in range(3))
    return tuple((0xFF000000 | red << 16 | green << 8 | blue).tolist())


def font(points: float, bold: bool = False, figures: bool = False) -> QFont:
    """The window's font; `figures`: digits of one width, so that numbers do not dance."""
    made = QFont(QApplication.font())
    made.setPointSizeF(points)
    made.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    if figures and hasattr(made, "setFeature") and hasattr(QFont, "Tag"):
        made.setFeature(QFont.Tag(b"tnum"), 1)
    return made


def apply(application: QApplication) -> None:
    """Dress the application."""
    application.setStyle("Fusion")
    palette = QPalette(QColor(CONTROL), QColor(PANEL))
    roles = QPalette.ColorRole
    for role, color in (
        (roles.Window, PANEL), (roles.Base, WELL), (roles.Text, TEXT), (roles.WindowText, TEXT),
        (roles.ButtonText, TEXT), (roles.Highlight, FOCUS), (roles.HighlightedText, INK),
        (roles.PlaceholderText, TEXT_QUIET), (roles.ToolTipBase, CONTROL), (roles.ToolTipText, TEXT),
    ):  # fmt: skip
        palette.setColor(role, QColor(color))
    application.setPalette(palette)
    base = application.font()
    base.setPointSizeF(9.5)
    application.setFont(base)
    application.setStyleSheet(STYLE)


STYLE = f"""
QMainWindow, #canvas, #spectra {{ background: {WINDOW}; }}
#spectra:focus {{ border: 1px solid {FOCUS}; border-radius: 4px; }}
QWidget {{ color: {TEXT}; }}
QToolTip {{ background: {CONTROL}; color: {TEXT}; border: 1px solid {LINE}; padding: 4px; }}
QScrollArea, #strips {{ background: {WINDOW}; border: none; }}
QPushButton, QToolButton {{
    background: {CONTROL}; color: {TEXT}; border: 1px solid {CONTROL}; border-radius: 4px;
    padding: 3px 9px; min-height: 22px;
}}
QPushButton:hover, QToolButton:hover {{ background: {CONTROL_HOVER}; }}
QPushButton:focus, QToolButton:focus {{ border: 1px solid {FOCUS}; }}
QPushButton:checked, QToolButton:checked {{ background: {FOCUS}; color: {INK}; }}
QPushButton:disabled, QToolButton:disabled {{ color: {TEXT_QUIET}; background: {PANEL}; }}
QToolButton::menu-indicator {{ image: none; width: 0; }}
QPushButton#mute:checked {{ background: {MUTE}; color: {INK}; font-weight: 600; }}
QPushButton#mute[silenced="true"] {{ border: 1px solid {MUTE}; }}
QPushButton#unsolo[lit="true"] {{ background: {SOLO}; color: {INK}; }}
QPushButton#solo:checked {{ background: {SOLO}; color: {INK}; font-weight: 600; }}
QPushButton#bypass:checked {{ background: {WARN}; color: {INK}; font-weight: 600; }}
QPushButton#limiter:checked {{ background: {GOOD}; color: {INK}; font-weight: 600; }}
QPushButton#limiter[limiting="true"] {{ background: {WARN}; color: {INK}; font-weight: 600; }}
#strip QPushButton {{ padding: 0; min-width: 14px; min-height: 16px; }}
#strip #mute, #strip #solo {{ min-height: 30px; min-width: 30px; }}
#strip #limiter, #strip #fx, #strip #group {{ font-size: 8.5pt; }}
#strip #group, #strip #fx {{ background: transparent; color: {TEXT_QUIET}; border: 1px solid {CONTROL}; }}
#strip #group:hover, #strip #fx:hover {{ background: {CONTROL}; }}
#strip #group:focus, #strip #fx:focus {{ border: 1px solid {FOCUS}; }}
#strip #group[joined="true"] {{ background: {CONTROL}; color: {TEXT}; }}
#strip #fx[effects="on"] {{ background: {CONTROL}; color: {FOCUS}; font-weight: 600; }}
#strip #fx[effects="bypassed"] {{ background: {CONTROL}; color: {WARN}; }}
QLineEdit {{
    background: {WELL}; color: {TEXT}; border: 1px solid {WELL}; border-radius: 4px; padding: 2px 0;
    selection-background-color: {FOCUS}; selection-color: {INK};
}}
QLineEdit {{ placeholder-text-color: {TEXT_QUIET}; }}
QLineEdit:hover {{ border: 1px solid {LINE}; }}
QLineEdit:focus {{ border: 1px solid {FOCUS}; }}
QMenu {{ background: {CONTROL}; border: 1px solid {LINE}; padding: 4px; }}
QMenu::item {{ padding: 6px 18px; border-radius: 3px; }}
QMenu::icon {{ left: 10px; }}
QMenu::item:selected {{ background: {FOCUS}; color: {INK}; }}
QMenu::item:disabled {{ color: {TEXT_QUIET}; }}
QMenu::separator {{ height: 1px; background: {LINE}; margin: 4px; }}
#bar {{ background: {PANEL}; }}
#progress {{ background: {STRIP}; border-radius: 4px; }}
#progress QPushButton {{ min-height: 16px; padding: 1px 9px; }}
#panel, QDialog {{ background: {PANEL}; }}
QScrollArea#cards, QWidget#cards {{ background: {PANEL}; }}
#card {{ background: {STRIP}; border-radius: 6px; }}
#card QLabel {{ background: transparent; }}
QPushButton#small {{ padding: 0; min-height: 16px; background: transparent; }}
QPushButton#small:hover {{ background: {CONTROL_HOVER}; }}
QPushButton#switch:checked {{ background: {GOOD}; color: {INK}; }}
QPushButton#flat {{ background: transparent; border: 1px solid transparent; padding: 1px 7px; color: {TEXT}; }}
QPushButton#flat:hover {{ background: {CONTROL}; }}
QPushButton#flat:focus {{ border: 1px solid {FOCUS}; }}
QComboBox {{ background: {CONTROL}; border: 1px solid {CONTROL}; border-radius: 4px; padding: 2px 8px; }}
QComboBox:focus {{ border: 1px solid {FOCUS}; }}
QComboBox:disabled {{ background: {PANEL}; color: {TEXT_QUIET}; border: 1px solid {CONTROL}; }}
QComboBox::drop-down {{ border: none; width: 22px; }}
QComboBox::down-arrow {{
    width: 0; height: 0; border: 4px solid {CONTROL}; border-top: 5px solid {TEXT_QUIET}; border-bottom: none;
}}
QComboBox::down-arrow:disabled {{ border-left-color: {PANEL}; border-right-color: {PANEL}; border-top-color: {LINE}; }}
QComboBox QAbstractItemView {{ background: {CONTROL}; selection-background-color: {FOCUS}; selection-color: {INK}; }}
QRadioButton {{ spacing: 8px; }}
QRadioButton::indicator {{
    width: 14px; height: 14px; border-radius: 9px; border: 2px solid {TEXT_QUIET}; background: {WELL};
}}
QRadioButton::indicator:checked {{ border: 5px solid {FOCUS}; width: 8px; height: 8px; background: {INK}; }}
QRadioButton:focus {{ color: {FOCUS}; }}
QRadioButton:disabled {{ color: {TEXT_QUIET}; }}
QProgressBar {{ background: {WELL}; border: none; border-radius: 4px; text-align: center; color: {TEXT}; }}
QProgressBar::chunk {{ background: {FOCUS_DARK}; border-radius: 4px; }}
#quiet {{ color: {TEXT_QUIET}; }}
#error {{ background: {ALERT}; border-radius: 4px; }}
#error QLabel {{ color: {INK}; font-weight: 600; }}
#error QPushButton {{ background: {INK}; color: {TEXT}; }}
#notice {{ background: {WARN}; border-radius: 4px; }}
#notice QLabel {{ color: {INK}; font-weight: 600; }}
QScrollBar:horizontal {{ background: {WINDOW}; height: 10px; }}
QScrollBar:vertical {{ background: {WINDOW}; width: 10px; }}
QScrollBar::handle {{ background: {LINE}; border-radius: 5px; min-width: 30px; min-height: 30px; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
"""
