"""Writing stems or the mix of a song, as a process of its own that tells its progress and can be cancelled."""

from __future__ import annotations

from PyQt6.QtCore import QProcess, pyqtSignal
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QWidget

from gui.services import ExportJob

_STEPS, _PATIENCE_MS = 1000, 5000


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
        self.progress = QProgressBar()
        self.progress.setFixedWidth(200)
        self.progress.setAccessibleName("Progress of the export")
        self.stop = QPushButton("Cancel")
        self.stop.setAccessibleName("Cancel the export")
        self.stop.clicked.connect(self.cancel)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 4, 8, 4)
        layout.addWidget(self.label, 1)
        layout.addWidget(self.progress)
        layout.addWidget(self.stop)
        self.hide()

    @property
    def running(self) -> bool:
        """Whether an export runs."""
        return self._process is not None

    def begin(self, job: ExportJob) -> None:
        """Start; a second one is refused."""
        if self._process is not None:
            self.failed.emit("an export is running; wait for it, or cancel it")
            return
        self._what = job.what
        self.label.setText(f"Writing {job.what}")
        self.progress.setRange(0, 0)        # until the first number comes
        self.progress.show()
        self.stop.setText("Cancel")
        self.show()
        self._process = process = QProcess(self)
        process.finished.connect(self._finish)
        process.errorOccurred.connect(self._fail_to_start)
        process.readyReadStandardOutput.connect(self._advance)
        process.start(job.command[0], list(job.command[1:]))

    def _advance(self) -> None:
        """Show the last number that the process has written."""
        if self._process is None:
            return
        lines = bytes(self._process.readAllStandardOutput().data()).decode("ascii", "replace").split()
        try:
            done = float(lines[-1]) if lines else 0.0
        except ValueError:
            return
        self.progress.setRange(0, _STEPS)
        self.progress.setValue(round(_STEPS * min(max(done, 0.0), 1.0)))

    def cancel(self) -> None:
        """Stop what runs; what it has written is removed. Closes the bar where nothing runs."""
        process, self._process = self._process, None
        if process is not None:
            process.finished.disconnect()
            process.terminate()
            if not process.waitForFinished(_PATIENCE_MS):
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
            remarks = "; ".join(line.removeprefix("vqss: ") for line in said)
            self.label.setText(f"Wrote {self._what}" + (f": {remarks}" if remarks else ""))
            self.label.setToolTip(self.label.text())
            self.progress.hide()
            self.stop.setText("Close")
            self.done.emit(self._what)
            return
        self.hide()
        self.failed.emit(said[-1].removeprefix("vqss: ") if said else "the export failed; see `vqss separate`")
