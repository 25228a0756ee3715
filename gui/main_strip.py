"""The main strip: fader, meter, mute, bypass and the limiter with its light."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QLabel, QSizePolicy, QWidget

from gui import theme
from gui.channel import Channel
from gui.model import MixerModel
from gui.spectrogram_view import SpectrogramRing, SpectrogramTile
from gui.switch import SwitchButton
from vqss_engine.control import Value, vocabulary

GAIN, MUTE, LIMITER, BYPASS = vocabulary.MAIN_GAIN, vocabulary.MAIN_MUTE, vocabulary.LIMITER, vocabulary.BYPASS
_LIMITS_FROM_DBFS = -0.1


class LimiterButton(SwitchButton):
    """The limiter's switch, which lights up in another colour and says so while it holds the output down."""

    def __init__(self) -> None:
        super().__init__("Limiter", "limiter", "Safety limiter, acts above 0 dBFS only")
        self.limiting = False

    def show_limiting(self, limiting: bool) -> None:
        """Light up, or not."""
        if limiting != self.limiting:
            self.limiting = limiting
            self.setText("LIMITING" if limiting else "Limiter")
            self.setProperty("limiting", limiting)
            self.setAccessibleName(f"Limiter light {'on' if limiting else 'off'}: {self.toolTip()}")
            theme.look_again(self)


class MainStrip(Channel):
    """Shows and moves the main output."""

    def __init__(self, model: MixerModel, ring: SpectrogramRing, parent: QWidget | None = None) -> None:
        super().__init__("the main output", SpectrogramTile(ring, 0, "Spectrogram of the mix"), parent)
        self.setAccessibleName("Main strip")
        self.mute = SwitchButton("Mute", "mute", "Mute the main output")
        self.bypass = SwitchButton("Bypass", "bypass", "Hear the unseparated input, equally delayed")
        self.limiter = LimiterButton()
        self.fader.color = theme.TEXT
        title = QLabel("MAIN")
        title.setFont(theme.font(10.0, bold=True))
        title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.build(title, self.bypass, self.limiter, (self.mute,))
        self.meter.setMaximumWidth(22)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.fader.moved.connect(lambda gain_db, gesture: model.move({GAIN: gain_db}, gesture))
        self.gain.asked.connect(lambda gain_db: model.move({GAIN: gain_db}))
        self.gain.refused.connect(model.failed)
        for button, path in ((self.mute, MUTE), (self.bypass, BYPASS), (self.limiter, LIMITER)):
            button.asked.connect(lambda on, path=path: model.move({path: on}))

    def arrange(self, narrow: bool) -> None:
        """A single switch, as high as the switches of the strips beside it; see `match`."""

    def match(self, narrow: bool) -> None:
        """Be arranged as the other strips are."""
        height = 2 * theme.TOUCH + 4 if narrow else theme.TOUCH
        self.mute.setFixedHeight(height)
        self.switches.setFixedHeight(height)

    @property
    def limiting(self) -> bool:
        """Whether the limiter's light is on."""
        return self.limiter.limiting

    def show_value(self, path: str, value: Value) -> None:
        """Show one parameter of the main output."""
        if path == GAIN:
            self.fader.show_value(float(value))  # type: ignore[arg-type]
            self.gain.show_gain(self.fader.current)
        for button, own in ((self.mute, MUTE), (self.bypass, BYPASS), (self.limiter, LIMITER)):
            if path == own:
                button.show_on(bool(value))

    def show_levels(self, rms_dbfs: float, peak_dbfs: float, now_s: float) -> None:
        """Show the output's level, and whether the limiter holds it down."""
        self.meter.show_levels(rms_dbfs, peak_dbfs, now_s)
        self.limiter.show_limiting(peak_dbfs >= _LIMITS_FROM_DBFS and self.limiter.isChecked())
