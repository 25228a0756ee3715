"""Where the sound comes from: the input or a song, play, stop, loop, position, export of stems."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PyQt6.QtCore import QSettings, Qt, pyqtSignal
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QMenu, QPushButton, QVBoxLayout, QWidget

from gui import theme
from gui.confirm import agreed
from gui.menus import add_action, new_menu
from gui.mix_dialog import MixDialog
from gui.model import MixerModel
from gui.playhead import Playhead
from gui.services import ExportJob, Services
from gui.switch import SwitchButton
from gui.waveform import Waveform
from vqss_engine.control import Value, vocabulary
from vqss_engine.errors import VQSSError

SOURCE, PLAY, POSITION = vocabulary.SOURCE, vocabulary.PLAY, vocabulary.POSITION
LOOP, STOP, INPUT = vocabulary.LOOP, vocabulary.STOP, vocabulary.INPUT_SOURCE
ENDINGS = (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff", ".m4a", ".opus")
SONGS = f"Audio ({' '.join(f'*{ending}' for ending in ENDINGS)});;All files (*)"
_MOST_RECENT = 10
_TITLE_PX = 150  # at least


def clock_text(seconds: float) -> str:
    """`3:07.4`"""
    tenths = int(seconds * 10 + 0.5)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


class TransportBar(QWidget):
    """Shows and moves the transport of the model."""

    export_wanted = pyqtSignal(object)
    failed = pyqtSignal(str)

    def __init__(self, model: MixerModel, services: Services, settings: QSettings) -> None:
        super().__init__()
        self._model, self._services, self._settings = model, services, settings
        self._song: Path | None = None
        self.playhead = Playhead()
        self.setObjectName("bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.play = SwitchButton("▶ Play", "play", "Play or pause the song (Space)")
        self.stop = QPushButton("■ Stop")
        self.loop = SwitchButton("⟳ Loop", "loop", "Loop the song; drag with Shift in the overview for a part of it")
        self.source = QPushButton("Source ▾")
        self.export = QPushButton("Export…")
        self.title = QLabel("Input")
        self.clock = QLabel("0:00.0")
        self.waveform = Waveform(services, model.background)
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 6, 10, 6)
        layout.setSpacing(6)
        for button, name in (
            (self.stop, "Stop, and go back to the start"),
            (self.source, "Choose what is separated: the input, a song, a recent one"),
            (self.export, "Write the stems of the song, or the mix as it stands"),
        ):
            button.setAccessibleName(name)
            button.setToolTip(name)
            button.setMinimumHeight(theme.TOUCH)
        for switch in (self.play, self.loop):
            switch.setMinimumWidth(74)
        titles = QVBoxLayout()
        titles.setSpacing(0)
        self.title.setFont(theme.font(9.5, bold=True))
        self.title.setFixedWidth(_TITLE_PX)
        self.clock.setFont(theme.font(9.0, figures=True))
        self.clock.setObjectName("quiet")
        titles.addWidget(self.title)
        titles.addWidget(self.clock)
        for widget in (self.play, self.stop, self.loop):
            layout.addWidget(widget)
        layout.addLayout(titles)
        layout.addWidget(self.waveform, 1)
        layout.addWidget(self.source)
        layout.addWidget(self.export)
        self.setFixedHeight(64)

    def _connect(self) -> None:
        self.play.asked.connect(lambda on: self._model.put(PLAY, on))
        self.stop.clicked.connect(lambda: self._model.act(STOP))
        self.loop.asked.connect(self._ask_loop)
        self.source.clicked.connect(self._choose_source)
        self.export.clicked.connect(self._choose_export)
        self.waveform.seek_wanted.connect(self.seek)
        self.waveform.loop_wanted.connect(lambda start, end: self._model.put(LOOP, (start, end)))
        self.waveform.failed.connect(self.failed)
        self.waveform.unreadable.connect(self._forget_song)

    # Showing

    def show_value(self, path: str, value: Value) -> None:
        """Show one parameter of the transport."""
        now_s = time.monotonic()
        if path == PLAY:
            self.play.show_on(bool(value))
            self.play.setText("❚❚ Pause" if value else "▶ Play")
            self.playhead.play(bool(value) and self._model.connected, now_s)
        elif path == POSITION and isinstance(value, float):
            self.playhead.seek(value, now_s)
        elif path == LOOP and isinstance(value, tuple):
            self.playhead.set_loop((value[0], value[1]), now_s)
            self.loop.show_on(value[1] > value[0])
            self.waveform.show_loop(*value)
        elif path == SOURCE:
            self._show_source(str(value))

    def advance(self, now_s: float, told_s: float) -> None:
        """Move playhead and clock on; `told_s` is the position that the engine has told last."""
        self.playhead.seconds = self.waveform.seconds
        self.playhead.correct(told_s, now_s)
        seconds = self.playhead.position(now_s)
        self.waveform.show_position(seconds)
        length = f" / {clock_text(self.waveform.seconds)}" if self.waveform.seconds else ""
        if self.clock.text() != (text := clock_text(seconds) + length):
            self.clock.setText(text)

    def rest(self) -> None:
        """Stand still: the engine has gone."""
        self.show_value(PLAY, False)

    def _show_source(self, source: str) -> None:
        self._song = None if source == INPUT else self._services.song_path(source)
        self.playhead.seek(0.0, time.monotonic())
        self.waveform.open(self._song)
        title = "Input" if source == INPUT else Path(source).name
        self.title.setToolTip(title)
        self._fit_title()
        if window := self.window():
            window.setWindowTitle("VQSS" if source == INPUT else f"{title} – VQSS")
        for widget in (self.play, self.stop, self.loop):
            widget.setEnabled(source != INPUT)
        self.export.setEnabled(self._song is not None and self._services.export_stems is not None)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self.title.setFixedWidth(max(_TITLE_PX, self.width() // 6))
        self._fit_title()

    def _fit_title(self) -> None:
        metrics, room = self.title.fontMetrics(), self.title.width()
        self.title.setText(metrics.elidedText(self.title.toolTip(), Qt.TextElideMode.ElideMiddle, room))

    # Being used

    def seek(self, seconds: float) -> None:
        """Go to a second of the song."""
        self._model.put(POSITION, seconds)

    def toggle_play(self) -> None:
        """Play, or pause."""
        if self.play.isEnabled():
            self._model.put(PLAY, not self._model.get(PLAY))

    def _ask_loop(self, on: bool) -> None:
        self._model.put(LOOP, (0.0, self.waveform.seconds) if on and self.waveform.seconds else (0.0, 0.0))

    def may_open(self, path: Path) -> bool:
        """Whether a file looks like a song that can be played here; it is not read."""
        if self._services.open_song is None or path.suffix.lower() not in ENDINGS or not os.path.isfile(path):
            return False
        music = self._services.music
        return music is None or path.resolve().is_relative_to(music)

    def open_song(self, path: Path) -> None:
        """Let the engine play a file of this machine, and remember it."""
        if self._services.open_song is None:
            self.failed.emit("this window plays no songs; start `vqss gui SONG`")
            return
        path = path.resolve()       # the list of recent songs outlives the folder we were started in
        try:
            source = self._services.open_song(path)
        except VQSSError as error:
            self.failed.emit(str(error))
            return
        another = source != self._model.get(SOURCE)
        if self._model.put(SOURCE, source):
            if another:
                self._model.put(LOOP, (0.0, 0.0))       # was one of the song before
            recent = [str(path), *(name for name in self.recent() if name != str(path))]
            self._settings.setValue("recent", recent[:_MOST_RECENT])
            self._model.put(PLAY, True)

    def _forget_song(self, path: Path) -> None:
        """A file that could not be read is not offered again."""
        self._settings.setValue("recent", [name for name in self.recent() if name != str(path)])

    def recent(self) -> list[str]:
        """The songs opened last, newest first."""
        stored = self._settings.value("recent", [])
        return [stored] if isinstance(stored, str) else list(stored or [])

    def _songs_folder(self) -> str:
        """Where a dialog begins: beside the song, else the one opened last, else where songs lie."""
        songs = [self._song, *(Path(name) for name in self.recent()[:1])]
        folders = [*(song.parent for song in songs if song), self._services.music]
        return next((str(folder) for folder in folders if folder and folder.is_dir()), "")

    def source_menu(self) -> QMenu:
        """What can be separated."""
        menu = new_menu(self)
        add_action(menu, "The input", lambda: self._model.put(SOURCE, INPUT))
        add_action(menu, "Open a song…", self.choose_song)
        menu.addSeparator()
        for name in self.recent():
            add_action(menu, Path(name).name, partial(self.open_song, Path(name)))
        return menu

    def _choose_source(self) -> None:
        self.source_menu().popup(self.source.mapToGlobal(self.source.rect().bottomLeft()))

    def choose_song(self) -> None:
        """Ask for a file and open it."""
        name, _ = QFileDialog.getOpenFileName(self, "Open a song", self._songs_folder(), SONGS)
        if name:
            self.open_song(Path(name))

    def export_menu(self) -> QMenu:
        """What can be written of the song."""
        menu = new_menu(self)
        add_action(menu, "Stems into a folder…", self._choose_folder)
        add_action(menu, "Current mix to a file…", self._choose_file)
        return menu

    def _choose_export(self) -> None:
        self.export_menu().popup(self.export.mapToGlobal(self.export.rect().topLeft()))

    def _choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Write the stems into", self._songs_folder())
        job = self._job(self._services.export_stems, Path(folder)) if folder else None
        if job is not None and self._may_fill(job.target):
            self.export_wanted.emit(job)

    def _may_fill(self, folder: Path) -> bool:
        """Whether stems may be written into a folder; where it holds something, that is asked."""
        try:
            taken = any(folder.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            taken = False
        except OSError as error:
            self.failed.emit(f"{folder} cannot be looked into ({error.strerror}); choose another folder")
            return False
        question = f"There are files in {folder}. Replace the stems among them?"
        return not taken or agreed(self, question, "Replace", "Keep the old ones")

    def _choose_file(self) -> None:
        if self._song is None:
            return
        dialog = MixDialog(self._song, self)
        if dialog.exec():
            self.export_mix(dialog.file)
        dialog.deleteLater()

    def export_stems(self, folder: Path) -> None:
        """Ask for the stems of the song in a folder of their own in `folder`."""
        if (job := self._job(self._services.export_stems, folder)) is not None:
            self.export_wanted.emit(job)

    def export_mix(self, file: Path) -> None:
        """Ask for the mix of the song, with the faders as they are."""
        if (job := self._job(self._services.export_mix, file)) is not None:
            self.export_wanted.emit(job)

    def _job(self, export: Callable[[Path, Path], ExportJob] | None, target: Path) -> ExportJob | None:
        """What writes the song; None, and `failed`, where nothing can."""
        if self._song is None or export is None:
            self.failed.emit("there is no song to write; open one")
            return None
        try:
            return export(self._song, target)
        except VQSSError as error:
            self.failed.emit(str(error))
            return None

    @property
    def song(self) -> Path | None:
        """The song's file, where it lies on this machine."""
        return self._song
