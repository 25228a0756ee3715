"""The focus among the cards of effects, which are made anew at every change of a chain; and their order for Tab."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtWidgets import QWidget

from gui.effect_card import EffectCard


def order_tabs(first: QWidget, cards: Sequence[EffectCard]) -> None:
    """Let Tab lead from `first` through all cards."""
    at = first
    for card in cards:
        for control in card.controls:
            QWidget.setTabOrder(at, control)
            at = control


def card_of(widget: QWidget | None, cards: Sequence[EffectCard]) -> int:
    """The number of the card that holds a widget; -1 for none."""
    return next((at for at, card in enumerate(cards) if widget is not None and card.isAncestorOf(widget)), -1)


def heir(name: str, at: int, cards: Sequence[EffectCard], otherwise: QWidget) -> QWidget:
    """What gets the focus of the control `name` of card `at`, which has gone or is no more to be pressed: the other
    arrow of one at the end of its way, else the button that removes what is in that place now, else `otherwise`."""
    for card in cards:
        for arrow, other in ((card.up, card.down), (card.down, card.up)):
            if arrow.accessibleName() == name and other.isEnabled():
                return other
    present = cards[at].remove if at < len(cards) else otherwise
    return present if present.isEnabled() else otherwise
