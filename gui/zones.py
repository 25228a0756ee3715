"""F6 leads from zone to zone of the window: bar on top, strips or spectra, effects, main strip, transport, status."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PyQt6 import sip
from PyQt6.QtCore import QObject, Qt
from PyQt6.QtWidgets import QApplication, QScrollArea, QWidget

if TYPE_CHECKING:
    from gui.mixer_window import MixerWindow


@dataclass
class Zone:
    """A part of the window. `first()` has the focus at first, if it can have it; `last` had it last, and gets it back
    where it is in `within()`."""

    widget: QWidget
    first: Callable[[], QWidget]
    within: Callable[[], QWidget]
    last: QWidget | None = None

    def heir(self) -> QWidget | None:
        """What gets the focus; None where nothing can have it."""
        # Cards of effects, and messages, go while the focus is elsewhere.
        last = self.last if self.last is not None and not sip.isdeleted(self.last) else None
        wanted = [last] if last is not None and self.within().isAncestorOf(last) else []
        candidates = (*wanted, self.first(), *_tab_order(self.widget))
        return next((one for one in candidates if one.isVisible() and one.isEnabled()), None)


class Zones(QObject):
    """The zones of a window, in the order in which F6 leads through them; those that are hidden are left out."""

    def __init__(self, zones: Sequence[Zone], parent: QObject) -> None:
        super().__init__(parent)
        self._zones = zones
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.focusChanged.connect(self._remember)

    def _remember(self, old: QWidget | None, new: QWidget | None) -> None:
        at = self._zone_of(new)
        if at is not None:
            at.last = new

    def _zone_of(self, widget: QWidget | None) -> Zone | None:
        held = (zone for zone in self._zones if zone.widget is widget or zone.widget.isAncestorOf(widget))
        return next(held, None)

    def step(self, by: int) -> None:
        """Give the focus to the next zone, or the one before, in a circle."""
        heirs = [(zone, zone.heir()) for zone in self._zones if zone.widget.isVisible()]
        ways = [(zone, heir) for zone, heir in heirs if heir is not None]
        here = self._zone_of(QApplication.focusWidget())
        at = next((index for index, (zone, _) in enumerate(ways) if zone is here), -1 if by > 0 else 0)
        if ways:
            heir = ways[(at + by) % len(ways)][1]
            heir.setFocus(Qt.FocusReason.ShortcutFocusReason)
            _reveal(heir)


def _tab_order(zone: QWidget) -> Iterator[QWidget]:
    """All in a zone that Tab leads to."""
    at = zone.nextInFocusChain()
    while at is not None and at is not zone:
        if zone.isAncestorOf(at) and at.focusPolicy() & Qt.FocusPolicy.TabFocus:
            yield at
        at = at.nextInFocusChain()


def _reveal(widget: QWidget) -> None:
    """Scroll to what may have been scrolled away since it had the focus."""
    area = widget.parentWidget()
    while area is not None:
        if isinstance(area, QScrollArea):
            area.ensureWidgetVisible(widget)
        area = area.parentWidget()


def _plain(widget: QWidget, first: QWidget) -> Zone:
    return Zone(widget, lambda: first, lambda: widget)


def zones_of(window: MixerWindow) -> Zones:
    """The zones of a mixer window. That of the strips is entered at the strip that keys act on, though another may
    have had the focus last."""
    row, panel = window.row, window.dock.panel
    strips = Zone(row, lambda: row.strip.resting_place, lambda: row.strip)
    return Zones([
        _plain(window.toolbar, window.toolbar.undo), strips, _plain(window.spectra, window.spectra),
        _plain(panel, panel.add), _plain(window.main, window.main.fader),
        _plain(window.transport, window.transport.play), _plain(window.status, window.status.device),
    ], window)  # fmt: skip
