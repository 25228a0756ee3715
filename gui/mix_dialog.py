"""The dialog that asks where the mix is to be written, and in which format."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtWidgets import QFileDialog, QWidget

_ENDINGS = {"WAV (*.wav)": "wav", "FLAC (*.flac)": "flac", "Ogg Vorbis (*.ogg)": "ogg", "MP3 (*.mp3)": "mp3"}


class MixDialog(QFileDialog):
    """Asks for a file beside `song`. A name without ending gets that of the chosen format, before it is asked whether
    to write over what is there."""

    def __init__(self, song: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent, "Write the mix to", str(song.parent), ";;".join(_ENDINGS))
        self.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        self.setFileMode(QFileDialog.FileMode.AnyFile)
        self.setDefaultSuffix("wav")
        self.selectFile(f"{song.stem} - mix.wav")
        # Qt itself gives a name that has an ending that of another format.
        self.filterSelected.connect(lambda chosen: self.setDefaultSuffix(_ENDINGS[chosen]))

    @property
    def file(self) -> Path:
        """What was chosen."""
        return Path(self.selectedFiles()[0])
