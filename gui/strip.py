"""One cluster's strip: name, colour, what it holds, pan, mute, solo, fader, meter, gain, effects, group."""

from __future__ import annotations

from PyQt6.QtCore import QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QContextMenuEvent, QMouseEvent, QPainter, QPaintEvent
from PyQt6.QtWidgets import QApplication, QPushButton, QSizePolicy, QWidget

from gui import theme
from gui.audibility import Audibility
from gui.channel import Channel
from gui.fader import Pan
from gui.fields import NameField
from gui.model import MixerModel, cluster_path
from gui.spectrogram_view import SpectrogramRing, SpectrogramTile
from gui.switch import SwitchButton
from vqss_engine.control import Value

_EXCLUSIVE = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
WIDEST = 260


class ClusterStrip(Channel):
    """Shows cluster `k` of the model and moves it. A cluster joined to another's strip has no fader of its own.

    `menu_wanted(k, where)`: the global point it was asked for at, or None.
    """

    focused = pyqtSignal(int)
    menu_wanted = pyqtSignal(int, object)
    selection_wanted = pyqtSignal(int)

    def __init__(self, k: int, model: MixerModel, ring: SpectrogramRing, parent: QWidget | None = None) -> None:
        super().__init__(f"cluster {k}", SpectrogramTile(ring, k + 1, f"Spectrogram of cluster {k}"), parent)
        self.k, self._model = k, model
        self.color = theme.FOCUS
        self.current = self.selected = self.unused = False
        self.leader = k
        self._leader_label = self._mark = ""
        self.chip = QPushButton(str(k))
        self.chip.setObjectName("chip")
        self.name = NameField(f"Name of cluster {k}", "name")
        self.pan = Pan(f"Pan of cluster {k}")
        self.mute = SwitchButton("M", "mute", f"Mute cluster {k}")
        self.solo = SwitchButton("S", "solo", f"Solo cluster {k}; with Ctrl or Shift: only this one")
        self.group = QPushButton("join")
        self.group.setObjectName("group")
        self.chip.setAccessibleName(f"Menu of cluster {k}: colour, group, reset")
        self.chip.setToolTip(f"Cluster {k}: menu; Ctrl-click selects for a group")
        self.build(self.chip, self.name, self.pan, (self.mute, self.solo), self.group)
        self._keep_sizes()
        self._connect()
        self.setAccessibleName(f"Strip of cluster {k}")

    def _keep_sizes(self) -> None:
        for widget in (self.pan, self.switches, self.gain, self.fader):
            policy = widget.sizePolicy()
            policy.setRetainSizeWhenHidden(True)        # a joined strip's meter stays in line with the others
            widget.setSizePolicy(policy)
        self.meter.setMaximumWidth(16)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumWidth(46)
        self.setMaximumWidth(WIDEST)

    def _connect(self) -> None:
        self.fader.moved.connect(lambda gain_db, gesture: self._move("gain", gain_db, gesture))
        self.pan.moved.connect(lambda pan, gesture: self._move("pan", pan, gesture))
        self.gain.asked.connect(lambda gain_db: self._move("gain", gain_db))
        self.gain.refused.connect(self._model.failed)
        self.name.entered.connect(lambda name: self._move("name", name.strip()))
        self.mute.asked.connect(lambda on: self._move("mute", on))
        self.solo.asked.connect(self._solo)
        self.name.left.connect(self.rest)
        self.chip.clicked.connect(self._chip_clicked)
        self.group.clicked.connect(lambda: self.menu_wanted.emit(self.k, None))

    def rest(self) -> None:
        """Take the focus, where keys act on this strip."""
        self.resting_place.setFocus(Qt.FocusReason.TabFocusReason)

    @property
    def resting_place(self) -> QWidget:
        """What has the focus while keys act on this strip as a whole."""
        return self.chip if self.fader.isHidden() else self.fader

    # Moving

    def _move(self, leaf: str, value: object, gesture: object = None) -> None:
        self._model.move({cluster_path(self.k, leaf): value}, gesture)

    def _solo(self, on: bool) -> None:
        if QApplication.keyboardModifiers() & _EXCLUSIVE:
            self.solo_alone()
        else:
            self._move("solo", on)

    def toggle_solo(self) -> None:
        """Solo this cluster, or no longer, whatever modifiers the key needs on this keyboard."""
        self._move("solo", not self.solo.isChecked())

    def solo_alone(self) -> None:
        """Solo this cluster and no other; where that is so already, none."""
        paths = {k: cluster_path(k, "solo") for k in range(self._model.clusters)}
        alone = all(bool(self._model.find(path)) == (k == self.k) for k, path in paths.items())
        self._model.move({path: k == self.k and not alone for k, path in paths.items()})

    def _chip_clicked(self) -> None:
        if QApplication.keyboardModifiers() & Qt.KeyboardModifier.ControlModifier:
            self.selection_wanted.emit(self.k)
        else:
            self.menu_wanted.emit(self.k, None)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        self.focused.emit(self.k)
        super().mousePressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent | None) -> None:
        """Anywhere but in text, which has a menu of its own, and not while something is dragged."""
        if event is None or QApplication.mouseButtons() & Qt.MouseButton.LeftButton:
            return
        by_mouse = event.reason() == QContextMenuEvent.Reason.Mouse
        self.menu_wanted.emit(self.k, event.globalPos() if by_mouse else None)

    # Showing

    def show_value(self, leaf: str, value: Value) -> None:
        """Show one parameter of this cluster."""
        match leaf, value:
            case "gain", float(gain_db):
                self.fader.show_value(gain_db)
                self.gain.show_gain(gain_db)
            case "pan", float(pan):
                self.pan.show_value(pan)
            case "mute", bool(on):
                self.mute.show_on(on)
            case "solo", bool(on):
                self.solo.show_on(on)
            case "name", str(name):
                self.name.show_text(name)
            case "color", str(color):
                self._show_color(color)

    def _show_color(self, color: str) -> None:
        self.color = self.fader.color = self.pan.color = color
        self.chip.setStyleSheet(theme.chip_style(color))
        self.fader.update()
        self.pan.update()
        self.update()

    def show_group(self, leader: int, label: str, members: list[int]) -> None:
        """Show whose strip this cluster follows (`label` is that one's name), or who follows it."""
        self.leader = leader
        joined = leader != self.k
        for widget in (self.pan, self.switches, self.fader, self.gain):
            widget.setVisible(not joined)
        if joined:
            text, tip = f"→ {leader}", f"Joined to {leader} ({label}); press for the menu"
        elif members:
            text, tip = f"+{len(members)}", f"Leads {', '.join(map(str, members))}; press for the menu"
        else:
            text, tip = "join", "On its own; press to join another strip"
        self.group.setText(text)
        self._mark = "" if text == "join" else text
        self._show_number()
        if self.group.property("joined") != (text != "join"):
            self.group.setProperty("joined", text != "join")
            theme.look_again(self.group)
        self._leader_label = label
        self.group.setToolTip(tip)
        self.group.setAccessibleName(f"Group of cluster {self.k}: {tip}")
        self.update()

    def _show_number(self) -> None:
        """Where there is no room for the group's button, its mark stands beside the number."""
        marked = self.narrow and bool(self._mark)
        self.chip.setText(f"{self.k}{self._mark.replace(' ', '')}" if marked else str(self.k))
        self.chip.setFont(theme.font(7.5 if marked else 9.5, bold=True))

    def arrange(self, narrow: bool) -> None:
        super().arrange(narrow)
        self._show_number()

    def set_unused(self, unused: bool) -> None:
        """Dim what holds nothing of the song."""
        if unused != self.unused:
            self.unused = self.tile.dimmed = unused
            self.meter.set_dimmed(unused or not self.fader.heard)
            self.name.setStyleSheet(f"color: {theme.TEXT_QUIET};" if unused else "")
            self.name.setPlaceholderText("unused" if unused else "name")
            self.update()

    def show_audibility(self, now: Audibility) -> None:
        """Dim what is not heard, and mark the mute switch thinly where the solo of others silences it."""
        if now.heard != self.fader.heard:
            self.fader.heard = now.heard
            self.fader.update()
            self.meter.set_dimmed(self.unused or not now.heard)
        if bool(self.mute.property("silenced")) != now.soloed_away:
            self.mute.setProperty("silenced", now.soloed_away)
            theme.look_again(self.mute)
            name = f"Mute cluster {self.k}" + ("; not heard, another is soloed" if now.soloed_away else "")
            self.mute.setAccessibleName(name)
            self.mute.setToolTip(name)

    def set_current(self, current: bool) -> None:
        """Mark as the strip that keys act on."""
        if current != self.current:
            self.current = current
            self.update()

    def set_selected(self, selected: bool) -> None:
        """Mark as chosen for a group."""
        if selected != self.selected:
            self.selected = selected
            self.update()

    @property
    def fill(self) -> str:
        return theme.STRIP_CURRENT if self.current else theme.PANEL if self.unused else theme.STRIP

    @property
    def edge(self) -> tuple[str, float]:
        if self.selected:
            return theme.SOLO, 2.0
        return (theme.FOCUS, 1.5) if self.current else (self.fill, 1.0)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        super().paintEvent(event)
        if self.leader != self.k:
            self._paint_leader(QPainter(self))

    def _paint_leader(self, painter: QPainter) -> None:
        """Say along the missing fader whose strip this one follows."""
        free = QRectF(self.fader.geometry())
        painter.setPen(QColor(theme.TEXT_QUIET))
        painter.setFont(theme.font(9.0))
        painter.translate(free.center())
        painter.rotate(-90.0)
        box = QRectF(-free.height() / 2, -free.width() / 2, free.height(), free.width())
        metrics, right = painter.fontMetrics(), Qt.TextElideMode.ElideRight
        text = metrics.elidedText(f"follows {self._leader_label}", right, int(box.width()))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
