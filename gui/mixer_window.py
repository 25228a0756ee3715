"""The mixer window: all strips, the spectrograms, the transport, and how the engine fares.

Threads: the Qt thread only. A timer looks at levels and spectra about 30 times a second; parameters arrive as they
change.
"""

from __future__ import annotations

import re
import time

from PyQt6.QtCore import QSettings, QSize, QTimer
from PyQt6.QtGui import QCloseEvent, QResizeEvent
from PyQt6.QtWidgets import QApplication, QHBoxLayout, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from gui.activity import Activity
from gui.audibility import audibilities
from gui.bars import StatusLine
from gui.confirm import agreed
from gui.device_dialog import DEVICE, DeviceDialog, device_text
from gui.effects_dock import EffectsDock
from gui.export import Export
from gui.main_strip import MainStrip
from gui.messages import MessageBar
from gui.model import Mixer, MixerModel, cluster_path
from gui.presets import Presets
from gui.scenes import Scenes
from gui.services import Services
from gui.shortcuts import KeysDialog, install
from gui.song_drop import SongDrop
from gui.spectrogram_view import SpectrogramRing, SpectrogramView
from gui.strip import ClusterStrip
from gui.strip_row import StripRow
from gui.toolbar import ToolBar
from gui.transport import TransportBar
from gui.zones import zones_of

FRAMES_PER_S = 30.0
_SIZE, _FRAME = QSize(1440, 860), QSize(8, 40)
_CLUSTER = re.compile(r"/vqss/cluster/(\d+)/(\w+)$")


class MixerWindow(QMainWindow):
    """A window on `mixer`, which it moves and follows but does not own. `settings` keeps recent songs and size."""

    def __init__(self, mixer: Mixer, services: Services | None = None, settings: QSettings | None = None) -> None:
        super().__init__()
        self.setWindowTitle("VQSS")
        self.services = services or Services()
        self._settings = settings or QSettings("vqss", "gui")
        self.model = MixerModel(mixer, self)
        self.scenes = Scenes(self.model, self)
        self.ring = SpectrogramRing(self.model.clusters)
        self._activity = Activity(self.model.clusters)
        self.row = StripRow(self.model, self.ring)
        self.main = MainStrip(self.model, self.ring)
        self.spectra = SpectrogramView(self.ring)
        self.row.stand_in = self.spectra
        self.dock = EffectsDock(self.model, self.services.racks, self.row, self.main, self)
        self.presets = Presets(self.model, self.dock.effects, self)
        self.toolbar = ToolBar(self.model, self.scenes, self.presets)
        self.transport = TransportBar(self.model, self.services, self._settings)
        self.status = StatusLine(self.services.engine_name)
        self.notice = MessageBar("notice", False, self.toolbar, self.toolbar.spots)
        self.errors = MessageBar("error", True, self.toolbar, self.toolbar.spots)      # lies over the notice
        self.export = Export(self.status, self.status.spots)
        self._known_errors = mixer.levels().error_count
        self.song_drop = SongDrop(self, self.transport.open_song, self.transport.may_open)
        self._help: KeysDialog | None = None
        self.devices: DeviceDialog | None = None
        self._met = False
        self._due: set[str] = set()
        self._lay_out()
        self._connect()
        self.zones = zones_of(self)
        self.show_all()
        install(self)
        self.clock = QTimer(self)
        self.clock.setInterval(round(1000 / FRAMES_PER_S))
        self.clock.timeout.connect(lambda: self.advance(time.monotonic()))
        self.clock.start()

    def _lay_out(self) -> None:
        self.pages = QStackedWidget()
        self.pages.addWidget(self.row)
        self.pages.addWidget(self.spectra)
        middle = QHBoxLayout()
        middle.setContentsMargins(0, 0, 6, 0)
        middle.setSpacing(4)
        middle.addWidget(self.pages, 1)
        right = QVBoxLayout()
        right.setContentsMargins(0, 6, 0, 6)
        right.addWidget(self.main)
        middle.addWidget(self.dock.panel)
        middle.addLayout(right)
        canvas = QWidget()
        canvas.setObjectName("canvas")
        layout = QVBoxLayout(canvas)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.toolbar)
        layout.addLayout(middle, 1)
        layout.addWidget(self.transport)
        layout.addWidget(self.status)
        self.setCentralWidget(canvas)
        self.setMinimumSize(900, 500)
        self.resize(_SIZE.boundedTo(self._room()))

    def _room(self) -> QSize:
        """What the screen has for a window within its frame."""
        screen = self.screen()
        return screen.availableSize() - _FRAME if screen else _SIZE

    def _connect(self) -> None:
        for bar in (self.errors, self.notice):
            bar.left.connect(self.row.rest)
        self.model.changed.connect(self._show_value)
        self.model.caught_up.connect(self._show_due)
        self.model.failed.connect(self.errors.tell)
        self.model.connection_changed.connect(self._show_connection)
        self.transport.failed.connect(self.errors.tell)
        self.transport.export_wanted.connect(self.export.begin)
        self.export.failed.connect(self.errors.tell)
        self.toolbar.spectra_wanted.connect(self.show_spectra)
        self.toolbar.hide_unused_wanted.connect(self.hide_unused)
        self.toolbar.effects_wanted.connect(self.dock.toggle)
        self.toolbar.help_wanted.connect(self.show_help)
        self.presets.failed.connect(self.errors.tell)
        self.status.device_wanted.connect(self.show_devices)
        self.dock.shown.connect(self.toolbar.effects.show_on)
        self.dock.effects.failed.connect(self.errors.tell)
        self.model.vocabulary_changed.connect(self._show_device)
        self.row.narrowed.connect(self.main.match)
        self.row.use_changed.connect(self._show_rows)
        self.row.current_changed.connect(self.spectra.set_current)
        self.spectra.chosen.connect(self.row.choose)
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.focusChanged.connect(self._follow_focus)

    # Showing

    def show_all(self) -> None:
        """Show everything as the mixer has it now."""
        self.show_values_again()
        self._show_connection(self.model.connected)

    def _show_value(self, path: str, value: object) -> None:
        match = _CLUSTER.match(path)
        if match and int(match[1]) < len(self.row.strips):
            k, leaf = int(match[1]), match[2]
            self.row.strips[k].show_value(leaf, value)  # type: ignore[arg-type]
            if leaf in ("name", "color"):
                self._name_row(k)
            self._due.add(leaf)
        elif path.startswith(DEVICE):
            self._due.add(DEVICE)
        elif not self.dock.show_value(path, value):  # type: ignore[arg-type]
            place = self.main if path.startswith(("/vqss/main/", "/vqss/bypass")) else self.transport
            place.show_value(path, value)  # type: ignore[arg-type]

    def _show_due(self) -> None:
        """Show what follows from the values that were shown, once for all of them."""
        due, self._due = self._due, set()
        self.row.show_due(due)
        if due & {"solo", "mute"}:
            self.toolbar.show_soloed(any(strip.solo.isChecked() for strip in self.row.strips))
        if DEVICE in due:
            self._show_device()

    def _name_row(self, k: int) -> None:
        color, name = (self.model.text(cluster_path(k, leaf)) for leaf in ("color", "name"))
        self.ring.set_color(k + 1, color)
        self.spectra.set_row(k + 1, f"{k}  {name}".rstrip(), color)

    def _show_connection(self, connected: bool) -> None:
        if connected:
            self._met = True
            self.notice.clear()
            self.show_values_again()
        else:
            self.transport.rest()
            starting = self.services.engine is not None and not self._met
            again = f"No answer from {self.services.engine_name}; trying again…"
            self.notice.tell("Starting the engine…" if starting else again)

    def show_values_again(self) -> None:
        """Show every parameter anew, after the engine was away."""
        if not self._fits:
            return
        for parameter in self.model.mixer.parameters():
            if (value := self.model.find(parameter.path)) is not None:
                self._show_value(parameter.path, value)
        self._due |= {"group", DEVICE}
        self._show_due()
        self.dock.refresh()

    @property
    def _fits(self) -> bool:
        """Whether there is a strip for every cluster; where not, another window is about to take over."""
        return self.model.clusters == len(self.row.strips)

    def _show_device(self) -> None:
        self.status.show_device(*device_text(self.model))

    def advance(self, now_s: float) -> None:
        """Show levels, spectra and status of this moment."""
        now = self.model.mixer.levels()
        clusters = len(self.row.strips)
        if len(now.rms_dbfs) != clusters + 1 or not self._fits:
            return
        self.model.mixer.telemetry.spectra_per_s = FRAMES_PER_S if self.isVisible() else 0.0
        self._activity.update(now.rms_dbfs[:clusters], now_s)
        for k, strip in enumerate(self.row.strips):
            strip.meter.show_levels(now.rms_dbfs[k], now.peak_dbfs[k], now_s)
            self.row.set_unused(k, self._activity.unused(k))
        self.main.show_levels(now.rms_dbfs[clusters], now.peak_dbfs[clusters], now_s)
        if self.ring.push(self.model.mixer.telemetry.spectra):
            self._scroll()
        self.transport.advance(now_s, now.position_s)
        self.status.show_snapshot(now)
        if now.error_count != self._known_errors:
            self._known_errors = now.error_count
            if now.errors:
                self.errors.tell(now.errors[-1])

    def _scroll(self) -> None:
        for strip in self.row.strips:
            strip.tile.advance()
        self.main.tile.advance()
        self.spectra.advance()

    # Views

    def show_spectra(self, on: bool) -> None:
        """Show the spectrograms in place of the strips, or the strips again."""
        held, current = self.pages.isAncestorOf(QApplication.focusWidget()), self.row.current
        self.pages.setCurrentIndex(int(on))
        if held:        # Qt lets it fall on what had it before, which chooses that strip
            self.row.set_current(current)
            self.row.rest()
        self.toolbar.spectra.show_on(on)

    def hide_unused(self, hides: bool) -> None:
        """Hide what holds nothing, or show all."""
        self.row.set_hides_unused(hides)
        self.toolbar.hide_unused.show_on(hides)

    def _show_rows(self) -> None:
        for strip, now in zip(self.row.strips, audibilities(self.model)):
            self.spectra.set_dimmed(strip.k + 1, strip.unused or not now.heard, strip.isHidden())
            self.spectra.set_switches(strip.k + 1, now.mute, now.solo)

    def show_devices(self) -> None:
        """Show the dialog of device and latency."""
        if self.devices is None:
            self.devices = DeviceDialog(self.model, self.services, self)
            self.devices.failed.connect(self.errors.tell)
        self.devices.show()
        self.devices.raise_()

    def escape(self) -> None:
        """Solo nothing, choose nothing, close messages, put out the lights of all meters."""
        for channel in (*self.row.strips, self.main):
            channel.meter.clear_clip()
        self.row.clear_selection()
        self.errors.clear()
        self.toolbar.unsolo()

    def show_help(self) -> None:
        """Show all keys."""
        self._help = self._help or KeysDialog(self)
        self._help.show()
        self._help.raise_()

    def _follow_focus(self, old: QWidget | None, new: QWidget | None) -> None:
        while new is not None and not isinstance(new, ClusterStrip):
            new = new.parentWidget()
        if isinstance(new, ClusterStrip) and new in self.row.strips:
            self.row.set_current(new.k)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self.main.setFixedWidth(min(max(round(self.width() / 15.5), 72), 240))
        self.transport.setFixedHeight(64 if self.height() >= 640 else 52)

    def closeEvent(self, event: QCloseEvent | None) -> None:
        question = "An export is running, and would be cancelled with the window."
        keeps = self.export.running and not agreed(self, question, "Cancel export and close", "Keep exporting")
        if event is not None and keeps:
            event.ignore()
            return
        self.clock.stop()
        self.model.mixer.telemetry.spectra_per_s = 0.0
        self.export.end()
        self.model.close()
        super().closeEvent(event)
