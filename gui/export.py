"""Writing stems of a song: the program's own `separate`, as a process of its own that can be cancelled."""

from __future__ import annotations

from PyQt6.QtCore import QProcess, pyqtSignal
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QWidget


class Export(QFrame):
    """A bar that shows while an export runs; `done(text)` or `failed(text)` at its end."""

    done = pyqtSignal(str)
    failed = pyqtSignal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("bar")
        self._process: QProcess | None = None
        self._what = ""
        self.label = QLabel()
        self._progress = QProgressBar()
        self._progress.setRange(0, 0)
        self._progress.setFixedWidth(160)
        self._progress.setTextVisible(False)
        self.stop = QPushButton("Cancel")
        self.stop.setAccessibleName("Cancel the export")
        self.stop.clicked.connect(self.cancel)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 4, 8, 4)
        layout.addWidget(self.label, 1)
        layout.addWidget(self._progress)
        layout.addWidget(self.stop)
        self.hide()

    @property
    def running(self) -> bool:
        """Whether an export runs."""
        return self._process is not None

    def begin(self, command: list[str], what: str) -> None:
        """Start; a second one is refused."""
        if self._process is not None:
            self.failed.emit("an export is running; wait for it, or cancel it")
            return
        self._what = what
        self.label.setText(f"Writing {what}")
        self._progress.show()
        self.stop.setText("Cancel")
        self.show()
        self._process = process = QProcess(self)
        process.finished.connect(self._finish)
        process.errorOccurred.connect(self._fail_to_start)
        process.start(command[0], command[1:])

    def cancel(self) -> None:
        """Stop what runs; what it has written is removed. Closes the bar where nothing runs."""
        process, self._process = self._process, None
        if process is not None:
            process.finished.disconnect()
            process.terminate()
            if not process.waitForFinished(3000):
                process.kill()
                process.waitForFinished(1000)
        self.hide()

    def _fail_to_start(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart and self._process is not None:
            self._process = None
            self.hide()
            self.failed.emit("the export could not be started; check the installation")

    def _finish(self, code: int, status: QProcess.ExitStatus) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        said = bytes(process.readAllStandardError().data()).decode("utf-8", "replace").strip().splitlines()
        if code == 0 and status == QProcess.ExitStatus.NormalExit:
            self.label.setText(f"Wrote {self._what}")
            self._progress.hide()
            self.stop.setText("Close")
            self.done.emit(self._what)
            return
        self.hide()
        self.failed.emit(said[-1].removeprefix("vqss: ") if said else "the export failed; see `vqss separate`")
