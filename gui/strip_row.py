"""The row of all clusters' strips: which is current, which are chosen, which are hidden."""

from __future__ import annotations

from collections.abc import Collection

from PyQt6.QtCore import QPoint, Qt, pyqtSignal
from PyQt6.QtWidgets import QApplication, QHBoxLayout, QScrollArea, QWidget

from gui.audibility import audibilities
from gui.model import MixerModel, cluster_path
from gui.spectrogram_view import SpectrogramRing
from gui.strip import ClusterStrip
from gui.strip_menu import build_menu


class StripRow(QScrollArea):
    """Strips side by side; they share the width, and scroll where it is too little."""

    current_changed = pyqtSignal(int)
    narrowed = pyqtSignal(bool)
    use_changed = pyqtSignal()

    def __init__(self, model: MixerModel, ring: SpectrogramRing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.hides_unused = False
        self.current = 0
        self.selection: list[int] = []
        self.stand_in: QWidget | None = None
        self.strips = [ClusterStrip(k, model, ring) for k in range(model.clusters)]
        holder = QWidget()
        holder.setObjectName("strips")
        layout = QHBoxLayout(holder)
        layout.setContentsMargins(6, 6, 2, 6)
        layout.setSpacing(3)
        for strip in self.strips:
            layout.addWidget(strip)
            strip.focused.connect(self.set_current)
            strip.menu_wanted.connect(self.open_menu)
            strip.selection_wanted.connect(self.toggle_selected)
            strip.fader.grabbed.connect(lambda k=strip.k: self.set_current(k))
            strip.arranged.connect(self._tell_narrow)
        self.setWidget(holder)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.strips[0].set_current(True)

    def _tell_narrow(self, narrow: bool) -> None:
        """All that are seen are as wide as each other."""
        if any(strip.narrow == narrow and not strip.isHidden() for strip in self.strips):
            self.narrowed.emit(narrow)

    @property
    def strip(self) -> ClusterStrip:
        """The current one."""
        return self.strips[self.current]

    @property
    def lead(self) -> ClusterStrip:
        """The strip whose fader and switches the current cluster follows: its own, or the one it is joined to."""
        return self.strips[self._model.leader(self.current)]

    def set_current(self, k: int) -> None:
        """Let keys act on the strip of cluster `k`."""
        if k == self.current:
            return
        self.strips[self.current].set_current(False)
        self.current = k
        self.strips[k].set_current(True)
        self.ensureWidgetVisible(self.strips[k], 8, 0)
        self.current_changed.emit(k)

    def choose(self, k: int) -> None:
        """Let keys act on the strip of cluster `k`, also those that would act on a control of another strip."""
        focused = QApplication.focusWidget()
        if any(strip.isAncestorOf(focused) for strip in self.strips if strip.k != k):
            self.strips[k].rest()
        self.set_current(k)

    def step(self, by: int) -> None:
        """Go to the next visible strip, in a circle."""
        count = len(self.strips)
        for distance in range(1, count + 1):
            k = (self.current + by * distance) % count
            if not self.strips[k].isHidden():
                self.set_current(k)
                break
        self.rest()

    def rest(self) -> None:
        """Give the focus to the current strip, or to what is seen in place of the strips."""
        if self.isVisible() or self.stand_in is None:
            self.strip.rest()
        else:
            self.stand_in.setFocus(Qt.FocusReason.TabFocusReason)

    def show_due(self, leaves: Collection[str]) -> None:
        """Show what follows for all strips where such parameters of any have changed."""
        if "group" in leaves or "name" in leaves:
            self.show_groups()
        elif "solo" in leaves or "mute" in leaves:
            self.show_audibility()
            self.hide_unneeded()

    def show_groups(self) -> None:
        """Show who follows whose strip."""
        for strip in self.strips:
            leader = self._model.leader(strip.k)
            strip.show_group(leader, self._model.label(leader), self._model.members(strip.k))
        self.show_audibility()
        self.hide_unneeded()

    def show_audibility(self) -> None:
        """Dim what is not heard."""
        for strip, now in zip(self.strips, audibilities(self._model)):
            strip.show_audibility(now)
        self.use_changed.emit()

    def set_hides_unused(self, hides: bool) -> None:
        """Hide strips of clusters that hold nothing, or show them all."""
        self.hides_unused = hides
        self.hide_unneeded()

    def set_unused(self, k: int, unused: bool) -> None:
        """Dim, and where wanted hide, what holds nothing."""
        if self.strips[k].unused != unused:
            self.strips[k].set_unused(unused)
            self.hide_unneeded()
            self.use_changed.emit()

    def hide_unneeded(self) -> None:
        """Hide what holds nothing, but not a strip that others follow or that is soloed; keys act on one that is seen.
        """
        before = [strip.isHidden() for strip in self.strips]
        for strip in self.strips:
            led = any(other.leader == strip.k and not other.unused for other in self.strips)
            needed = not strip.unused or led or strip.solo.isChecked()
            strip.setVisible(needed or not self.hides_unused)
        if self.strip.isHidden():
            nearest = sorted(self.strips, key=lambda strip: abs(strip.k - self.current))
            self.set_current(next((strip.k for strip in nearest if not strip.isHidden()), self.current))
        if before != [strip.isHidden() for strip in self.strips]:
            self.use_changed.emit()

    # Groups

    def toggle_selected(self, k: int) -> None:
        """Choose a strip for a group, or not."""
        if k in self.selection:
            self.selection.remove(k)
        else:
            self.selection.append(k)
        self.strips[k].set_selected(k in self.selection)

    def clear_selection(self) -> None:
        """Choose none."""
        for k in self.selection:
            self.strips[k].set_selected(False)
        self.selection = []

    def group_selected(self) -> None:
        """Join all chosen strips to the one chosen first."""
        if len(self.selection) > 1:
            lead, *others = self.selection
            groups = {cluster_path(k, "group"): lead for k in others}
            self._model.move({cluster_path(lead, "group"): -1, **groups})
        self.clear_selection()

    def ungroup(self) -> None:
        """Let the current strip leave its group; a leader dissolves it."""
        k = self.current
        leaving = self._model.members(k) if self._model.leader(k) == k else [k]
        self._model.move({cluster_path(other, "group"): -1 for other in leaving})

    def open_menu(self, k: int, where: QPoint | None = None) -> None:
        """Open the menu of a strip, at a global point or under its number."""
        self.set_current(k)
        if where is None:
            chip = self.strips[k].chip
            where = chip.mapToGlobal(QPoint(0, chip.height()))
        build_menu(k, self._model, self).popup(where)
