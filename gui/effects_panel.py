"""The panel of effects: the chain of one strip, or of the main output, to add to, order, pass by, set and empty."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PyQt6.QtCore import Qt, QTimer, pyqtSignal
from PyQt6.QtWidgets import (
    QApplication,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from gui import chains as edit
from gui import theme
from gui.buttons import touch_button
from gui.chains import MAIN
from gui.effect_card import EffectCard
from gui.effect_focus import card_of, heir, order_tabs
from gui.effects_model import EffectsModel
from gui.effects_now import EffectsNow, Loaded
from gui.menus import add_action, new_menu
from gui.model import MixerModel, cluster_path
from gui.parameter_row import ParameterRow
from gui.services import Chains, EffectKind
from gui.switch import SwitchButton
from vqss_engine.control import Value, bypass_path, place_of

WIDTH = 336
_AGAIN_MS = 100
_RACKS = "Racks (*.json);;All files (*)"


class EffectsPanel(QFrame):
    """Shows the chain `key`; a cluster's number as text, or 'main'."""

    closed = pyqtSignal()

    def __init__(self, model: MixerModel, effects: EffectsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model, self.effects = model, effects
        self.setObjectName("panel")
        self.setAccessibleName("Effects")
        self.setFixedWidth(WIDTH)
        self.key = "0"
        self.cards: list[EffectCard] = []
        self._rows: dict[str, ParameterRow] = {}
        self._shown = ""
        self.number, self.title = QLabel("0"), QLabel()
        self.close_button = touch_button("✕", "Close the effects (F)")
        self.bypass = SwitchButton("Bypass", "bypass", "Pass this chain by")
        self.add = touch_button("Add effect…", "Add an effect to this chain")
        self.more = touch_button("⋯", "Load, save or remove all effects")
        self.note = QLabel()
        self._lay_out()
        self.close_button.clicked.connect(self.closed)
        self.bypass.asked.connect(lambda on: self.effects.bypass(self.key, on))
        self.add.clicked.connect(self._open_kinds)
        self.more.clicked.connect(self._open_more)
        effects.changed.connect(self.refresh)
        effects.kinds_known.connect(self.refresh)
        self.hide()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(8)
        head, tools = QHBoxLayout(), QHBoxLayout()
        self.number.setFixedSize(38, 26)
        self.number.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.title.setFont(theme.font(10.5, bold=True))
        self.close_button.setFixedWidth(theme.TOUCH)
        head.addWidget(self.number)
        head.addWidget(self.title, 1)
        head.addWidget(self.close_button)
        tools.setSpacing(6)
        tools.addWidget(self.add, 1)
        tools.addWidget(self.bypass, 0)
        self.bypass.setFixedWidth(84)
        self.more.setFixedWidth(40)
        tools.addWidget(self.more)
        self.note.setObjectName("quiet")
        self.note.setWordWrap(True)
        self._list = QVBoxLayout()
        self._list.setContentsMargins(0, 0, 4, 0)
        self._list.setSpacing(6)
        holder = QWidget()
        holder.setObjectName("cards")
        outer = QVBoxLayout(holder)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addLayout(self._list)
        outer.addStretch(1)
        area = QScrollArea()
        area.setObjectName("cards")
        area.setWidget(holder)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        for part in (head, tools):
            layout.addLayout(part)
        layout.addWidget(self.note)
        layout.addWidget(area, 1)

    # Showing

    def show_chain(self, key: str) -> None:
        """Show another chain."""
        self.key = key
        self.effects.want_kinds()
        if self.isVisible():
            self.refresh()

    def showEvent(self, event: object) -> None:
        self.effects.want_kinds()
        self.refresh()

    def refresh(self) -> None:
        """Show the chain as it is now."""
        if self.isHidden():
            return
        if self.key == self._shown and any(row.in_hand for card in self.cards for row in card.rows.values()):
            QTimer.singleShot(_AGAIN_MS, self.refresh)      # a card that goes would take the move with it
            return
        self._shown = self.key
        focused = QApplication.focusWidget()
        name = focused.accessibleName() if focused is not None and self.isAncestorOf(focused) else ""
        called = self._called(name) if name else []
        place = called.index(focused) if focused in called else 0
        at = card_of(focused, self.cards)
        now = self.effects.now()
        self._show_head(now)
        for card in self.cards:
            self._list.removeWidget(card)
            card.hide()
            card.deleteLater()
        self.cards, self._rows = [], {}
        self._add_cards(now)
        order_tabs(self.more, self.cards)
        if name and (made := self._called(name)):
            made[min(place, len(made) - 1)].setFocus()      # the new one in the place of the old one
        elif at >= 0:
            heir(name, at, self.cards, self.add).setFocus()

    def _called(self, name: str) -> list[QWidget]:
        """What has that name and can have the focus, in order; effects of one kind have controls of one name."""
        named = [widget for widget in self.findChildren(QWidget) if widget.accessibleName() == name]
        return [widget for widget in named if widget.isVisibleTo(self) and widget.isEnabled()]

    def _add_cards(self, now: EffectsNow) -> None:
        chain = edit.chain_of(now.chains, self.key)
        loaded = {effect.index: effect for effect in now.loaded.get(self.key, ())}
        if chain:
            for index, entry in enumerate(chain):
                running = edit.running_index(chain, index)
                present = loaded.get(running) if edit.is_on(entry) and not self.effects.busy else None
                self._add_card(now, index, edit.entry_title(entry), entry, present)
        elif not self.effects.busy:
            for effect in loaded.values():
                self._add_card(now, effect.index, edit.spaced(effect.title), {}, effect)

    def _show_head(self, now: EffectsNow) -> None:
        main = self.key == MAIN
        color = theme.TEXT if main else self._model.text(cluster_path(int(self.key), "color"))
        self.number.setText("M" if main else self.key)
        self.number.setStyleSheet(
            f"background: {color}; color: {theme.ink_on(color)}; border-radius: 4px; font-weight: 600;"
        )
        name = "Main output" if main else self._model.text(cluster_path(int(self.key), "name")) or f"Cluster {self.key}"
        self.title.setText(self.title.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, 210))
        self.add.setEnabled(now.editable)
        self.bypass.setEnabled(self.key in now.loaded)
        self.bypass.show_on(self.effects.bypassed(self.key))
        self.more.setEnabled(now.editable or bool(now.loaded))
        text = "" if now.editable else self.effects.why_not
        if self.effects.busy:
            text = "Loading…"
        elif not now.count(self.key) and now.editable:
            text = "No effects. Add one: it is heard on this strip, before its fader."
        self.note.setText(text)
        self.note.setVisible(bool(text))

    def _add_card(
        self, now: EffectsNow, index: int, title: str, entry: dict[str, object], loaded: Loaded | None
    ) -> None:
        effects, last = self.effects, index + 1 == now.count(self.key)
        card = EffectCard(index, title, edit.is_on(entry), now.editable and bool(entry), last)
        card.moved.connect(lambda by: self._edit(index, title, partial(edit.moved, by=by)))
        card.removed.connect(lambda: self._edit(index, title, edit.removed))
        card.switched.connect(lambda on: self._edit(index, title, partial(edit.switched, on=on)))
        for argument in effects.fixed(entry) if entry else ():
            self._add_fixed(card, index, entry, argument)
        for parameter in loaded.parameters if loaded else ():
            leaf = parameter.path.rpartition("/")[2]
            words = (parameter.description.partition(": ")[2] or leaf.replace("_", " ")).removesuffix(" frequency")
            row = ParameterRow(words, title, parameter, {})
            row.asked.connect(lambda value, gesture, path=parameter.path: self._model.move({path: value}, gesture))
            row.refused.connect(effects.failed)
            value = self._model.find(parameter.path)
            row.show_value(parameter.default if value is None else value)
            card.add_row(leaf, row)
            self._rows[parameter.path] = row
        if not card.rows and not effects.busy:
            card.say("Off: kept here, not heard." if not edit.is_on(entry) else "Nothing to set.")
        self.cards.append(card)
        self._list.addWidget(card)
        card.show()     # at once, so that the focus finds what is in the place of what had it

    def _add_fixed(self, card: EffectCard, index: int, entry: dict[str, object], argument: object) -> None:
        assert isinstance(argument, dict)
        name = str(argument["name"])
        row = ParameterRow(name.removesuffix("_filename").replace("_", " "), card.title, None, argument)
        row.show_value(entry.get(name, argument["default"]))  # type: ignore[arg-type]
        row.refused.connect(self.effects.failed)
        row.asked.connect(lambda value, _: self._edit(index, card.title, partial(edit.changed, name=name, value=value)))
        card.add_row(name, row)

    def _edit(self, index: int, title: str, edited: Callable[[Chains, str, int], Chains]) -> None:
        """Load the chains with one effect edited, if it is where its card says: the engine may have others by now."""
        chains = self.effects.chains
        present = edit.chain_of(chains, self.key)[index : index + 1]
        if [edit.entry_title(entry) for entry in present] == [title]:
            self.effects.load(edited(chains, self.key, index))
        else:
            self.refresh()

    def show_value(self, path: str, value: Value) -> None:
        """Show a parameter of an effect, or a bypass."""
        place = place_of(path)
        if place is None or place.chain != self.key or self.isHidden():
            return
        if path in self._rows:
            self._rows[path].show_value(value)
        elif path == bypass_path(self.key):
            self.bypass.show_on(bool(value))

    # Menus

    def kinds_menu(self) -> QMenu:
        """What can be added, by where it comes from."""
        menu = new_menu(self)
        origins = dict.fromkeys(kind.origin for kind in self.effects.kinds)
        for origin in origins:
            below = menu if origin == next(iter(origins)) else menu.addMenu(origin.replace("&", "&&"))
            assert below is not None
            for kind in self.effects.kinds:
                if kind.origin == origin:
                    name = edit.spaced(kind.name) if origin == "built in" else kind.name
                    add_action(below, name, partial(self.add_effect, kind))
        if menu.isEmpty():
            add_action(menu, "Looking for effects…", lambda: None).setEnabled(False)
        return menu

    def add_effect(self, kind: EffectKind) -> None:
        """Put an effect at the end of the chain; one that needs a file asks for it first."""
        entry = dict(kind.entry)
        for argument in kind.fixed:
            if argument.get("file"):
                path, _ = QFileDialog.getOpenFileName(self, f"{edit.spaced(kind.name)}: choose a file")
                if not path:
                    return
                entry[str(argument["name"])] = path
        self.effects.load(edit.added(self.effects.chains, self.key, entry))

    def more_menu(self) -> QMenu:
        """What concerns the whole rack."""
        menu, now = new_menu(self), self.effects.now()
        for text, act, possible in (
            ("Load a rack…", self._load, now.editable),
            ("Save the rack as…", self._save, now.editable and bool(now.chains)),
            ("Remove all effects", self.effects.remove_all, bool(now.loaded or now.chains)),
        ):
            add_action(menu, text, act).setEnabled(possible)
        return menu

    def _open_kinds(self) -> None:
        self.kinds_menu().popup(self.add.mapToGlobal(self.add.rect().bottomLeft()))

    def _open_more(self) -> None:
        self.more_menu().popup(self.more.mapToGlobal(self.more.rect().bottomLeft()))

    def _load(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Load a rack", "", _RACKS)
        if name:
            self.effects.read(Path(name))

    def _save(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "Save the rack as", "rack.json", _RACKS)
        if name:
            self.effects.write(Path(name))
