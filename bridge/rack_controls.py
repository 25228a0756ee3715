"""The parameters of a rack's plug-ins on a control surface: listed while the rack is loaded, set as they change."""

from __future__ import annotations

from collections.abc import Callable

from bridge.fx_parameters import Setting
from bridge.rack import ClusterRack, Key
from vqss_engine.control import ControlSurface, Value

Bypass = Callable[[Key, bool], object]
"""Called with a cluster's number or 'main', and whether its chain is to be passed by."""


class RackControls:
    """Registers /vqss/cluster/{k}/fx/{i}/{parameter} and .../fx/bypass, and the same under /vqss/main/fx."""

    def __init__(self, surface: ControlSurface) -> None:
        self._surface = surface
        self._settings: dict[str, Setting] = {}
        self._bypasses: dict[str, Key] = {}
        self._bypass: Bypass | None = None

    def publish(self, rack: ClusterRack | None, bypass: Bypass) -> None:
        """Replace the addresses of the last rack by those of `rack` (None: there are none)."""
        self._surface.unregister([*self._settings, *self._bypasses])
        settings = {setting.parameter.path: setting for setting in rack.settings()} if rack else {}
        bypasses = rack.bypasses() if rack else {}
        self._settings, self._bypass = settings, bypass
        self._bypasses = {path: key for path, (key, _) in bypasses.items()}
        self._surface.register([setting.parameter for setting in settings.values()], self._set)
        self._surface.register([parameter for _, parameter in bypasses.values()], self._pass_by)

    def pass_by_again(self) -> None:
        """Tell the inserts of a rack that was made anew which chains are passed by."""
        for path in self._bypasses:
            self._pass_by(path, self._surface.get(path), self)

    def _set(self, path: str, value: Value, origin: object) -> None:
        if setting := self._settings.get(path):
            setting.apply(value)

    def _pass_by(self, path: str, value: Value, origin: object) -> None:
        if path in self._bypasses and self._bypass is not None:
            self._bypass(self._bypasses[path], bool(value))
