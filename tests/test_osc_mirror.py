"""A copy of a mixer keeps what was set there and is newer than the description that it is brought up to."""

from __future__ import annotations

from dataclasses import replace

from bridge.osc_mirror import mirror_of, update
from bridge.oscquery import namespace
from vqss_engine.control import ControlSurface, Parameter
from vqss_engine.parameters import Argument


def test_what_was_set_of_an_effect_outlives_another_default_of_it() -> None:
    """A rack that comes anew has the values of then as defaults; what was set here since is newer."""
    path = "/vqss/cluster/3/fx/0/threshold_db"
    effect = Parameter(path, (Argument("threshold_db", "float", -60.0, 0.0),), -20.0, "clusters.3[0] Gate: threshold")
    there = ControlSurface(6)
    there.register([effect])
    here = mirror_of(namespace(there))
    update(here, namespace(there), None)
    here.set(path, -4.0)
    there.unregister([path])
    there.register([replace(effect, default=-10.0)])
    update(here, namespace(there), None, newer={path})
    assert here.get(path) == -4.0 and here.parameter(path).default == -10.0
    update(here, namespace(there), None)
    assert here.get(path) == -10.0
