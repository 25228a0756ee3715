"""Presets: a mixer's settings as JSON that people can read, kept by name in a folder. Standard library only.

    {"format": 1, "name": "karaoke",
     "clusters": {"3": {"gain": -6.0, "mute": true, "solo": false, "pan": 0.0,
                        "name": "vocals", "color": "#e07020", "group": -1}},
     "main": {"gain": 0.0, "mute": false, "limiter": true},
     "rack": {...}}

What a preset leaves out stays as it is; saving writes all. `rack` is a rack file's content, kept unread here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vqss_engine.control import PRESET_CLUSTER_KEYS, PRESET_MAIN_KEYS, ControlSurface
from vqss_engine.errors import VQSSError
from vqss_engine.parameters import ParameterError, Value
from vqss_engine.preset_names import check_preset_name
from vqss_engine.vocabulary import PRESET_DELETE, PRESET_LIST, PRESET_LOAD, PRESET_RENAME, PRESET_SAVE
from vqss_engine.whole_files import hidden_file, move_new, written_whole

FORMAT = 1
SUFFIX = ".json"
_LARGEST_BYTES = 4_000_000

Preset = dict[str, Any]
RackReader = Callable[[], Any]
RackWriter = Callable[[Any], object]


def capture(surface: ControlSurface, name: str, rack: Any = None) -> Preset:
    """The settings of `surface` as a preset called `name`; `rack` is added if given."""
    values = surface.values()
    clusters = {
        str(k): {key: values[f"/vqss/cluster/{k}/{key}"] for key in PRESET_CLUSTER_KEYS}
        for k in range(surface.clusters)
    }
    main = {key: values[f"/vqss/main/{key}"] for key in PRESET_MAIN_KEYS}
    preset: Preset = {"format": FORMAT, "name": name, "clusters": clusters, "main": main}
    return preset if rack is None else {**preset, "rack": rack}


def settings(surface: ControlSurface, preset: Any, where: str) -> dict[str, Value]:
    """Path -> value of all that `preset` sets, checked; raises VQSSError naming `where` and the entry."""
    if not isinstance(preset, dict) or preset.get("format") != FORMAT:
        raise VQSSError(f"{where} is no preset of format {FORMAT}; save it again with this version")
    if odd := set(preset) - {"format", "name", "clusters", "main", "rack"}:
        raise VQSSError(f"{where}: unknown entry {min(odd)!r}; remove it")
    given = _leaves(preset.get("main", {}), "/vqss/main", PRESET_MAIN_KEYS, where)
    clusters = preset.get("clusters", {})
    if not isinstance(clusters, dict):
        raise VQSSError(f"{where}: 'clusters' must be an object with one entry a cluster; correct it")
    for key, strip in clusters.items():
        if key not in map(str, range(surface.clusters)):
            raise VQSSError(f"{where}: there is no cluster {key!r}; clusters are 0 to {surface.clusters - 1}")
        given.update(_leaves(strip, f"/vqss/cluster/{key}", PRESET_CLUSTER_KEYS, where))
    try:
        return {path: surface.parameter(path).check(value) for path, value in given.items()}
    except ParameterError as error:
        raise VQSSError(f"{where}: {error}") from error


def apply(surface: ControlSurface, preset: Any, where: str = "the preset", origin: object = None) -> None:
    """Set all that `preset` holds at once, the rack aside; raises VQSSError, and then changes nothing."""
    surface.set_many(settings(surface, preset, where), origin)


def read_preset(path: Path) -> Preset:
    """The content of a preset file, whose settings are still unchecked; raises VQSSError."""
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise VQSSError(f"{path} is too large for a preset; choose another file")
        content = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except OSError as error:
        raise VQSSError(f"cannot read the preset {path} ({error.strerror}); check its name") from error
    except (ValueError, RecursionError) as error:
        raise VQSSError(f"{path} is no preset ({error}); save it again") from error
    if not isinstance(content, dict):
        raise VQSSError(f"{path} is no preset; save it again")
    return content


def write_preset(path: Path, preset: Preset) -> None:
    """Write a preset whole or not at all, over what is there; raises VQSSError."""
    with _writing(path), written_whole(path) as partial:
        _write(partial, preset)


def rename_preset(path: Path, new_path: Path) -> None:
    """Move a preset to a name that no other has, which it then says itself; raises VQSSError, and changes nothing.

    It is never away, nor ever there in part: for a moment it has both names.
    """
    if not path.is_file():
        raise _unknown(path)
    renamed = read_preset(path) | {"name": new_path.stem}
    with _writing(new_path), hidden_file(new_path) as partial:
        _write(partial, renamed)
        try:
            move_new(partial, new_path)
        except FileExistsError:
            raise VQSSError(f"there is a preset '{new_path.stem}' already; choose another name") from None
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        new_path.unlink(missing_ok=True)
        raise VQSSError(f"cannot rename the preset {path} ({error.strerror}); check its folder") from error


def delete_preset(path: Path) -> None:
    """Delete a preset; raises VQSSError."""
    try:
        path.unlink()
    except FileNotFoundError:
        raise _unknown(path) from None
    except OSError as error:
        raise VQSSError(f"cannot delete the preset {path} ({error.strerror}); check its folder") from error


def _unknown(path: Path) -> VQSSError:
    return VQSSError(f"there is no preset '{path.stem}'; choose one of those that are listed")


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Make the folder of a preset; raises VQSSError where that or what is done then fails."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise VQSSError(f"cannot write the preset {path} ({error.strerror}); choose another folder") from error


def _write(path: Path, preset: Preset) -> None:
    text = json.dumps(preset, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(f"{text}\n", encoding="utf-8")


class PresetFolder:
    """Presets by name in one folder; a name is no path, so nothing outside can be read or written.

    `read_rack` gives the rack to save with a preset (None: none), `write_rack` takes the one that was loaded;
    it is called before the mixer changes, and raises VQSSError where the rack does not work.
    """

    def __init__(
        self,
        folder: Path,
        surface: ControlSurface,
        read_rack: RackReader | None = None,
        write_rack: RackWriter | None = None,
    ) -> None:
        self.folder, self._surface = folder, surface
        self._read_rack, self._write_rack = read_rack, write_rack

    def attach(self) -> None:
        """Answer the surface's preset actions: list by all names, the others by the name that there is then."""
        self._surface.on_action(PRESET_LOAD, self.load)
        self._surface.on_action(PRESET_SAVE, self.save)
        self._surface.on_action(PRESET_DELETE, self.delete)
        self._surface.on_action(PRESET_RENAME, self.rename)
        self._surface.on_action(PRESET_LIST, lambda origin=None: self.names())

    def names(self) -> list[str]:
        """The names of all presets, sorted as people do, who do not look at capitals first."""
        found = (path.stem for path in self.folder.glob(f"*{SUFFIX}") if not path.name.startswith("."))
        return sorted(found, key=lambda name: (name.casefold(), name))

    def load(self, name: str, origin: object = None) -> str:
        """Set mixer and rack by the preset `name`; raises VQSSError, and then changes nothing."""
        preset = read_preset(self.path(name))
        values = settings(self._surface, preset, f"preset '{name}'")
        if self._write_rack and preset.get("rack") is not None:
            self._write_rack(preset["rack"])
        self._surface.set_many(values, origin)
        return name

    def save(self, name: str, origin: object = None) -> str:
        """Write mixer and rack as the preset `name`, over one of that name; raises VQSSError."""
        rack = self._read_rack() if self._read_rack else None
        write_preset(self.path(name), capture(self._surface, name, rack))
        self._tell_names()
        return name

    def delete(self, name: str, origin: object = None) -> str:
        """Delete the preset `name`; raises VQSSError."""
        delete_preset(self.path(name))
        self._tell_names()
        return name

    def rename(self, name: str, new_name: str, origin: object = None) -> str:
        """Give the preset `name` a name that no other has; raises VQSSError, and then changes nothing."""
        rename_preset(self.path(name), self.path(new_name))
        self._tell_names()
        return new_name

    def _tell_names(self) -> None:
        """Whoever lists presets has an old list."""
        self._surface.tell(PRESET_LIST, *self.names())

    def path(self, name: str) -> Path:
        """The file of the preset `name`; raises VQSSError where that is no plain name."""
        check_preset_name(name)
        return self.folder / f"{name}{SUFFIX}"


def _leaves(strip: Any, base: str, keys: tuple[str, ...], where: str) -> dict[str, Any]:
    """Path -> value of one strip's entries."""
    if not isinstance(strip, dict):
        raise VQSSError(f"{where}: {base} must be an object; correct it")
    if odd := set(strip) - set(keys):
        raise VQSSError(f"{where}: unknown entry {min(odd)!r} in {base}; known are {', '.join(keys)}")
    return {f"{base}/{key}": value for key, value in strip.items()}


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is no number")
