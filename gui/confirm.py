"""Questions before something is lost, with buttons that say what they do."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QMessageBox, QWidget


def agreed(parent: QWidget, question: str, act: str, leave: str) -> bool:
    """Whether the user presses `act`; `leave`, which Enter and Escape mean too, loses nothing."""
    box = QMessageBox(parent)
    box.setWindowTitle("VQSS")
    box.setIcon(QMessageBox.Icon.Question)
    box.setTextFormat(Qt.TextFormat.PlainText)      # names may look like markup
    box.setText(question)
    acting = box.addButton(act, QMessageBox.ButtonRole.AcceptRole)
    leaving = box.addButton(leave, QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(leaving)
    box.setEscapeButton(leaving)
    box.exec()
    box.deleteLater()
    return box.clickedButton() is acting
