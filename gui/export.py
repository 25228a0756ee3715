"""Writing stems or the mix of a song, as a process of its own that tells its progress and can be cancelled."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PyQt6.QtCore import QProcess, QRect, QTimer, pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QWidget

from gui.brief_label import BriefLabel
from gui.overlay import Overlay
from gui.services import ExportJob

_STEPS = 1000
_LEAST_PX = 420
_KILLED_AFTER_MS, _WAITED_FOR_MS = 30000, 5000
"""A killed process leaves behind what it has written so far, and so it is given time, unless the window closes."""


class Export(Overlay):
    """A bar that shows while an export runs; `done(text)` or `failed(text)` at its end."""

    done = pyqtSignal(str)
    failed = pyqtSignal(str)

    def __init__(self, bar: QWidget, spots: Callable[[], Sequence[QRect]]) -> None:
        super().__init__(bar, spots)
        self.setObjectName("progress")
        self._process: QProcess | None = None
        self._what = ""
        self._cancelled = False
        self.label = BriefLabel()
        self.progress = QProgressBar()
        self.progress.setFixedSize(120, 16)
        self.progress.setAccessibleName("Progress of the export")
        self.stop = QPushButton("Cancel")
        self.stop.setAccessibleName("Cancel the export")
        self.stop.clicked.connect(self.cancel)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 1, 4, 1)
        layout.addWidget(self.label, 1)
        layout.addWidget(self.progress)
        layout.addWidget(self.stop)

    def fits(self, spot: QRect) -> bool:
        return spot.width() >= _LEAST_PX

    @property
    def running(self) -> bool:
        """Whether an export runs, or is being cancelled."""
        return self._process is not None

    def begin(self, job: ExportJob) -> None:
        """Start; a second one is refused."""
        if self._process is not None:
            self.failed.emit("an export is running; wait for it, or cancel it")
            return
        self._what, self._cancelled = job.what, False
        self.label.setText(f"Writing {job.what}")
        self.progress.setRange(0, 0)        # until the first number comes
        self.progress.show()
        self.stop.setText("Cancel")
        self.stop.setEnabled(True)
        self.place()
        self.show()
        self._process = process = QProcess(self)
        process.finished.connect(self._finish)
        process.errorOccurred.connect(self._fail_to_start)
        process.readyReadStandardOutput.connect(self._advance)
        process.started.connect(lambda: self._tell(process, job.told))
        process.start(job.command[0], list(job.command[1:]))

    def _tell(self, process: QProcess, text: str) -> None:
        process.write(text.encode())
        process.closeWriteChannel()     # once that is written

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
        """Let what runs remove what it has written, and end; does not wait. Closes the bar where nothing runs."""
        process = self._process
        if process is None:
            self.hide()
            return
        self._cancelled = True
        self.label.setText(f"Cancelling: {self._what}")
        self.stop.setEnabled(False)
        process.terminate()
        last_resort = QTimer(process)
        last_resort.setSingleShot(True)
        last_resort.timeout.connect(process.kill)
        last_resort.start(_KILLED_AFTER_MS)

    def end(self) -> None:
        """Cancel what runs, and wait for that."""
        process = self._process
        if process is not None:
            if not self._cancelled:
                self.cancel()
            if not process.waitForFinished(_WAITED_FOR_MS):
                process.kill()
                process.waitForFinished(1000)

    def _fail_to_start(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart and self._process is not None:
            self._process.deleteLater()
            self._process = None
            self.hide()
            self.failed.emit("the export could not be started; check the installation")

    def _finish(self, code: int, status: QProcess.ExitStatus) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.deleteLater()
        self.stop.setEnabled(True)
        said = bytes(process.readAllStandardError().data()).decode("utf-8", "replace").strip().splitlines()
        if code == 0 and status == QProcess.ExitStatus.NormalExit:
            remarks = "; ".join(line.removeprefix("vqss: ") for line in said)
            self.label.setText(f"Wrote {self._what}" + (f": {remarks}" if remarks else ""))
            self.progress.hide()
            self.stop.setText("Close")
            self.done.emit(self._what)
            return
        self.hide()
        if not self._cancelled:
            self.failed.emit(said[-1].removeprefix("vqss: ") if said else "the export failed; see `vqss separate`")
