"""Shows the mixer window until it is closed."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable
from pathlib import Path

from PyQt6 import sip
from PyQt6.QtCore import QEvent, QObject, QSettings, QTimer
from PyQt6.QtWidgets import QApplication, QWidget

from gui import theme
from gui.faults import Faults
from gui.mixer_window import MixerWindow
from gui.model import Mixer
from gui.services import Services
from gui.window_icon import window_icon

_SIGNAL_POLL_MS = 200


class Desk:
    """Keeps a window on `mixer`; makes a new one where the engine comes back with another number of clusters."""

    def __init__(self, mixer: Mixer, services: Services) -> None:
        self._mixer, self._services = mixer, services
        self._settings = QSettings("vqss", "gui")
        self.window = self._open()
        geometry = self._settings.value("geometry")
        if geometry is not None:
            self.window.restoreGeometry(geometry)

    def _open(self) -> MixerWindow:
        window = MixerWindow(self._mixer, self._services, self._settings)
        window.model.vocabulary_changed.connect(self._renew)
        return window

    def _renew(self) -> None:
        old = self.window
        if self._mixer.clusters == len(old.row.strips):
            return
        self.window = self._open()
        self.window.setGeometry(old.geometry())
        self.window.show()
        old.export.end()
        old.close()
        old.deleteLater()

    def save(self) -> None:
        """Remember where the window was."""
        self._settings.setValue("geometry", self.window.saveGeometry())


class _FirstPaint(QObject):
    """Calls `painted` once, after a widget and all in it were painted for the first time."""

    def __init__(self, widget: QWidget, painted: Callable[[], object]) -> None:
        super().__init__(widget)
        self._widget, self._painted = widget, painted
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.Paint:
            self._widget.removeEventFilter(self)
            QTimer.singleShot(0, self._painted)
        return False


def show(
    mixer: Mixer,
    services: Services,
    song: Path | None = None,
    painted: Callable[[], object] | None = None,
    ends: Iterable[int] = (signal.SIGINT, signal.SIGTERM),
) -> int:
    """Run the window; returns the exit code. The signals `ends` close it. `painted()` is called once it shows."""
    application = QApplication(["vqss"])
    application.setApplicationDisplayName("VQSS")
    application.setDesktopFileName("vqss")      # else Wayland takes the window for one of the interpreter's
    application.setWindowIcon(window_icon())
    theme.apply(application)
    desk = Desk(mixer, services)
    if painted is not None:
        _FirstPaint(desk.window, painted)
    desk.window.show()
    for number in ends:
        signal.signal(number, lambda *_: application.exit())      # asks nothing
    poll = QTimer()     # lets Python look at signals while Qt waits
    poll.timeout.connect(lambda: None)
    poll.start(_SIGNAL_POLL_MS)
    if song is not None:
        desk.window.transport.open_song(song)
    application.aboutToQuit.connect(desk.save)
    with Faults(lambda text: desk.window.errors.tell(text)):
        code = application.exec()
        desk.window.export.end()
        desk.window.close()
        sip.delete(desk.window)     # while there is an application: left to the interpreter, it may come after that
    return code
