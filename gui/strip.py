"""One cluster's strip: name, colour, what it holds, pan, mute, solo, fader, meter, gain, group."""

from __future__ import annotations

from PyQt6.QtCore import QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PyQt6.QtWidgets import QApplication, QFrame, QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from gui import theme
from gui.fader import Fader, Pan
from gui.fields import GainField, NameField
from gui.meter import Meter
from gui.model import MixerModel, cluster_path
from gui.spectrogram_view import SpectrogramRing, SpectrogramTile
from vqss_engine.control import Value

_EXCLUSIVE = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
WIDEST = 150


class SwitchButton(QPushButton):
    """A button that shows a switch; `asked(on, modifiers)` tells what the user wants."""

    asked = pyqtSignal(bool)

    def __init__(self, text: str, kind: str, name: str, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setObjectName(kind)
        self.setCheckable(True)
        self.setAccessibleName(name)
        self.setToolTip(name)
        self.setMinimumSize(18, theme.TOUCH)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.clicked.connect(self.asked)

    def show_on(self, on: bool) -> None:
        """Show a state; tells nobody."""
        self.setChecked(on)


class ClusterStrip(QFrame):
    """Shows cluster `k` of the model and moves it. A cluster joined to another's strip has no fader of its own."""

    focused = pyqtSignal(int)
    menu_wanted = pyqtSignal(int)
    selection_wanted = pyqtSignal(int)

    def __init__(self, k: int, model: MixerModel, ring: SpectrogramRing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.k, self._model = k, model
        self.setObjectName("strip")
        self.color = theme.FOCUS
        self.current = self.selected = self.unused = False
        self.leader = k
        self._leader_label = ""
        self.chip = QPushButton(str(k))
        self.name = NameField(f"Name of cluster {k}", "name")
        self.tile = SpectrogramTile(ring, k + 1, f"Spectrogram of cluster {k}")
        self.pan = Pan(f"Pan of cluster {k}")
        self.mute = SwitchButton("M", "mute", f"Mute cluster {k}")
        self.solo = SwitchButton("S", "solo", f"Solo cluster {k}; with Ctrl or Shift: only this one")
        self.fader = Fader(f"Gain of cluster {k}")
        self.meter = Meter(f"Level of cluster {k}")
        self.gain = GainField(f"Gain of cluster {k} in dB")
        self.group = QPushButton()
        self._lay_out()
        self._connect()
        self.setAccessibleName(f"Strip of cluster {k}")

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3, 4, 3, 5)
        layout.setSpacing(4)
        self.chip.setMinimumWidth(20)
        self.chip.setAccessibleName(f"Menu of cluster {self.k}: colour, group, reset")
        self.chip.setToolTip(f"Cluster {self.k}: menu; Ctrl-click selects for a group")
        self.name.setFixedHeight(theme.TOUCH - 2)
        self._switches = QWidget()
        switches = QHBoxLayout(self._switches)
        switches.setContentsMargins(0, 0, 0, 0)
        switches.setSpacing(3)
        switches.addWidget(self.mute)
        switches.addWidget(self.solo)
        travel = QHBoxLayout()
        travel.setSpacing(4)
        travel.addStretch(1)
        travel.addWidget(self.fader, 6)
        travel.addWidget(self.meter, 1)
        travel.addStretch(1)
        self.fader.setMaximumWidth(52)
        self.meter.setMaximumWidth(16)
        self.group.setObjectName("group")
        for widget in (self.chip, self.name, self.tile, self.pan, self._switches):
            layout.addWidget(widget)
        layout.addLayout(travel, 1)
        layout.addWidget(self.gain)
        layout.addWidget(self.group)
        for widget in (self.pan, self._switches, self.gain, self.fader):
            policy = widget.sizePolicy()
            policy.setRetainSizeWhenHidden(True)        # a joined strip's meter stays in line with the others
            widget.setSizePolicy(policy)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumWidth(46)
        self.setMaximumWidth(WIDEST)

    def _connect(self) -> None:
        self.fader.moved.connect(lambda gain_db, gesture: self._move("gain", gain_db, gesture))
        self.pan.moved.connect(lambda pan, gesture: self._move("pan", pan, gesture))
        self.gain.asked.connect(lambda gain_db: self._move("gain", gain_db))
        self.name.entered.connect(lambda name: self._move("name", name.strip()))
        self.mute.asked.connect(lambda on: self._move("mute", on))
        self.solo.asked.connect(self._solo)
        self.gain.left.connect(self.fader.setFocus)
        self.name.left.connect(self.fader.setFocus)
        self.chip.clicked.connect(self._chip_clicked)
        self.group.clicked.connect(lambda: self.menu_wanted.emit(self.k))

    def sizeHint(self) -> QSize:
        return QSize(82, 520)

    # Moving

    def _move(self, leaf: str, value: object, gesture: object = None) -> None:
        self._model.move({cluster_path(self.k, leaf): value}, gesture)

    def _solo(self, on: bool) -> None:
        if QApplication.keyboardModifiers() & _EXCLUSIVE:
            self.solo_alone()
        else:
            self._move("solo", on)

    def solo_alone(self) -> None:
        """Solo this cluster and no other; where that is so already, none."""
        paths = {k: cluster_path(k, "solo") for k in range(self._model.clusters)}
        alone = all(bool(self._model.get(path)) == (k == self.k) for k, path in paths.items())
        self._model.move({path: k == self.k and not alone for k, path in paths.items()})

    def _chip_clicked(self) -> None:
        if QApplication.keyboardModifiers() & Qt.KeyboardModifier.ControlModifier:
            self.selection_wanted.emit(self.k)
        else:
            self.menu_wanted.emit(self.k)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        self.focused.emit(self.k)
        super().mousePressEvent(event)

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
        ink = theme.ink_on(color)
        self.chip.setStyleSheet(
            f"QPushButton {{ background: {color}; color: {ink}; font-weight: 600; border: 2px solid {color}; }}"
            f"QPushButton:focus, QPushButton:hover {{ border: 2px solid {theme.TEXT}; }}"
        )
        self.fader.update()
        self.pan.update()
        self.update()

    def show_group(self, leader: int, label: str, members: list[int]) -> None:
        """Show whose strip this cluster follows (`label` is that one's name), or who follows it."""
        self.leader = leader
        joined = leader != self.k
        for widget in (self.pan, self._switches, self.fader, self.gain):
            widget.setVisible(not joined)
        if joined:
            text, tip = f"→ {leader}", f"Joined to {leader} ({label}); press for the menu"
        elif members:
            text, tip = f"+{len(members)}", f"Leads {', '.join(map(str, members))}; press for the menu"
        else:
            text, tip = "group", "On its own; press to join another strip"
        self.group.setText(text)
        if self.group.property("joined") != (text != "group"):
            self.group.setProperty("joined", text != "group")
            style = self.group.style()
            assert style is not None
            style.unpolish(self.group)          # looks at the property again
            style.polish(self.group)
        self._leader_label = label
        self.group.setToolTip(tip)
        self.group.setAccessibleName(f"Group of cluster {self.k}: {tip}")
        self.update()

    def set_unused(self, unused: bool) -> None:
        """Dim what holds nothing of the song."""
        if unused != self.unused:
            self.unused = self.tile.dimmed = unused
            self.meter.set_dimmed(unused)
            self.name.setStyleSheet(f"color: {theme.TEXT_QUIET};" if unused else "")
            self.name.setPlaceholderText("unused" if unused else "name")
            self.update()

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

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        fill = theme.STRIP_CURRENT if self.current else theme.PANEL if self.unused else theme.STRIP
        painter.setBrush(QColor(fill))
        edge = theme.SOLO if self.selected else theme.FOCUS if self.current else fill
        painter.setPen(QPen(QColor(edge), 2.0 if self.selected else 1.0))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        if self.leader != self.k:
            self._paint_leader(painter)

    def _paint_leader(self, painter: QPainter) -> None:
        """Say along the missing fader whose strip this one follows."""
        free = QRectF(self.fader.geometry())
        painter.setPen(QColor(theme.TEXT_QUIET))
        painter.setFont(theme.font(9.0))
        painter.translate(free.center())
        painter.rotate(-90.0)
        box = QRectF(-free.height() / 2, -free.width() / 2, free.height(), free.width())
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, f"follows {self._leader_label}")

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self.tile.setFixedHeight(theme.tile_height(self.height()))
