"""Every key of the window, as a table that the window obeys and the help shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QKeySequence, QShortcut
from PyQt6.QtWidgets import QAbstractButton, QApplication, QDialog, QGridLayout, QLabel, QWidget

from gui import theme
from gui.drag import DragControl
from gui.fields import Field
from gui.main_strip import MainStrip
from gui.parameter_row import ParameterRow

if TYPE_CHECKING:
    from gui.mixer_window import MixerWindow

_COARSE_STEPS = 6.0


@dataclass(frozen=True)
class Key:
    """Key sequences that do the same, what that is, and the text for the help ('' leaves it out).

    `shown` is how the help writes the keys, where the text tells of others' too.
    """

    keys: tuple[str, ...]
    act: Callable[[], object]
    text: str = ""
    repeats: bool = False
    shown: str = ""


def nudge(window: MixerWindow, steps: float, fine: bool = False) -> None:
    """Move the focused fader or pan, else the fader that the current strip follows, by some of its steps."""
    focused = QApplication.focusWidget()
    control = focused if isinstance(focused, DragControl) else window.row.lead.fader
    control.nudge(steps * control.step, fine)


def _value_field(window: MixerWindow) -> Field:
    """Where the value of what has the focus is typed, else the gain that the current strip follows."""
    at = QApplication.focusWidget()
    while at is not None:
        if isinstance(at, ParameterRow) and at.is_number:
            return at.field
        if isinstance(at, MainStrip):
            return at.gain
        at = at.parentWidget()
    return window.row.lead.gain


def rename(window: MixerWindow) -> None:
    """Type the name of the current strip, where it can be seen."""
    window.show_spectra(False)
    window.row.strip.name.setFocus()


def press(window: MixerWindow) -> None:
    """Press the focused button, or type the value of what has the focus, where that can be seen."""
    focused, strip = QApplication.focusWidget(), window.row.strip
    stands_for_fader = focused is strip.chip and strip.fader.isHidden()     # arrows lead to it in a joined strip
    if isinstance(focused, QAbstractButton) and not stands_for_fader:
        focused.click()
    else:
        field = _value_field(window)
        if window.row.isAncestorOf(field):
            window.show_spectra(False)
        field.setFocus(Qt.FocusReason.ShortcutFocusReason)


def table(window: MixerWindow) -> list[Key]:
    """All keys of a window."""
    row, model = window.row, window.model
    keys = [
        Key(("Left",), lambda: row.step(-1), "strip to the left, to the right", True, "← →"),
        Key(("Right",), lambda: row.step(1), repeats=True),
        Key(("Up",), lambda: nudge(window, 1), "0.5 dB up, down; Shift: 0.05 dB", True, "↑ ↓"),
        Key(("Down",), lambda: nudge(window, -1), repeats=True),
        Key(("Shift+Up",), lambda: nudge(window, 1, True), repeats=True),
        Key(("Shift+Down",), lambda: nudge(window, -1, True), repeats=True),
        Key(("PgUp",), lambda: nudge(window, _COARSE_STEPS), "3 dB up, down", True, "PgUp PgDown"),
        Key(("PgDown",), lambda: nudge(window, -_COARSE_STEPS), repeats=True),
        Key(("Home",), lambda: row.lead.fader.ask_once(0.0), "fader to 0 dB"),
        Key(("End",), lambda: row.lead.fader.ask_once(row.lead.fader.low), "fader to silence"),
        Key(("Return", "Enter"), lambda: press(window), "type the gain; press the focused button"),
        Key(("F2",), lambda: rename(window), "rename the strip"),
        Key(("M",), lambda: row.lead.mute.click(), "mute the strip"),
        Key(("S",), lambda: row.lead.toggle_solo(), "solo the strip"),
        Key(("Shift+S",), lambda: row.lead.solo_alone(), "solo the strip alone"),
        Key(("[",), lambda: row.lead.pan.step_by(-1, False), "pan left, right", True, "[ ]"),
        Key(("]",), lambda: row.lead.pan.step_by(1, False), repeats=True),
        Key(("Escape",), window.escape, "solo nothing, choose nothing, close messages, clip lights out"),
        Key(("C",), lambda: row.toggle_selected(row.current), "choose the strip for a group (also Ctrl-click)"),
        Key(("G",), row.group_selected, "group the chosen strips under the first"),
        Key(("Shift+G",), row.ungroup, "ungroup"),
        Key((".",), lambda: row.open_menu(row.current), "menu of the strip (also the Menu key, a right click)"),
        Key(("Ctrl+Z",), model.undo, "undo", True),
        Key(("Ctrl+Shift+Z", "Ctrl+Y"), model.redo, "redo", True),
        Key(("F",), window.dock.toggle, "effects of the strip"),
        Key(("D",), window.show_devices, "device and latency"),
        Key(("T",), window.scenes.toggle, "switch between scenes A and B"),
        Key(("Space",), window.transport.toggle_play, "play, pause"),
        Key(("Ctrl+O",), window.transport.choose_song, "open a song"),
        Key(("Ctrl+S",), window.toolbar.save_preset, "save a preset"),
        Key(("B",), window.main.bypass.click, "bypass"),
        Key(("V",), window.toolbar.spectra.click, "spectrograms"),
        Key(("H",), window.toolbar.hide_unused.click, "hide unused strips"),
        Key(("F6",), lambda: window.zones.step(1), "next part of the window; Shift: the one before", True),
        Key(("Shift+F6",), lambda: window.zones.step(-1), repeats=True),
        Key(("F1", "?"), window.show_help, "these keys"),
    ]
    return [*keys, *_digits(window)]


def _digits(window: MixerWindow) -> list[Key]:
    """0...9 solo clusters 0...9, with Alt 10 and on; one that is joined to another by the switch it follows."""
    keys, clusters = list[Key](), window.model.clusters
    for k in range(min(clusters, 20)):
        last = min(k + 9, clusters - 1)
        text, before = (f"solo cluster {k} … {last}", "Alt+" if k else "") if k in (0, 10) else ("", "")
        sequence = str(k) if k < 10 else f"Alt+{k - 10}"
        keys.append(Key((sequence,), partial(_solo, window, k), text, shown=f"{before}0 … {last % 10}"))
    return keys


def _solo(window: MixerWindow, k: int) -> None:
    window.row.strips[window.model.leader(k)].toggle_solo()


def install(window: MixerWindow) -> None:
    """Let the window obey its table."""
    for key in table(window):
        for sequence in key.keys:
            shortcut = QShortcut(QKeySequence(sequence), window)
            shortcut.setAutoRepeat(key.repeats)
            shortcut.activated.connect(key.act)


class KeysDialog(QDialog):
    """The table, to be read; the window stays usable."""

    def __init__(self, window: MixerWindow) -> None:
        super().__init__(window)
        self.setWindowTitle("Keys")
        self.setModal(False)
        layout = QGridLayout(self)
        layout.setContentsMargins(18, 14, 18, 14)
        layout.setHorizontalSpacing(16)
        layout.setVerticalSpacing(5)
        shown = [key for key in table(window) if key.text]
        half = (len(shown) + 1) // 2
        for index, key in enumerate(shown):
            line, column = index % half, 2 * (index // half)
            layout.addWidget(self._cap(key.shown or " / ".join(key.keys)), line, column)
            layout.addWidget(QLabel(key.text), line, column + 1)

    def _cap(self, text: str) -> QWidget:
        label = QLabel(text)
        label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        label.setFont(theme.font(9.0, bold=True))
        label.setStyleSheet(f"background: {theme.CONTROL}; border-radius: 4px; padding: 3px 8px;")
        return label
