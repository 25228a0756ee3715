"""What docs say of OSC is made from the parameters, and not stale; `vqss osc` prints all there is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.cli import main
from bridge.osc_layouts import open_stage_control, reaper
from bridge.osc_table import markdown, table
from tests.osc_peers import serve
from vqss_engine.control import ControlSurface, Parameter
from vqss_engine.parameters import Argument

DOCS = Path(__file__).resolve().parent.parent / "docs"
BEGIN, END = "<!-- vqss osc --as markdown -->\n", "<!-- end -->"


def test_the_table_in_the_docs_is_the_present_one() -> None:
    text = (DOCS / "osc.md").read_text("utf-8")
    printed = text.split(BEGIN)[1].split(END)[0]
    assert printed == markdown(ControlSurface(16)), "put the output of `vqss osc --as markdown` between the marks"


@pytest.mark.parametrize(
    ("name", "make"), [("vqss.open-stage-control.json", open_stage_control), ("VQSS.ReaperOSC", reaper)]
)
def test_the_layouts_in_the_docs_are_the_present_ones(name: str, make: object) -> None:
    assert callable(make)
    assert (DOCS / "daw" / name).read_text("utf-8") == make(ControlSurface(16)), "print it anew with `vqss osc --as`"


def test_the_layout_speaks_of_addresses_that_there_are() -> None:
    surface, found = ControlSurface(16), []

    def visit(widget: dict) -> None:
        if "address" in widget:
            found.append(widget["address"])
        for below in widget.get("widgets", []):
            visit(below)

    visit(json.loads(open_stage_control(surface))["content"])
    assert len(found) == 16 * 5 + 4 and all(address in surface for address in found)


def test_clusters_are_folded_and_nothing_is_left_out() -> None:
    surface = ControlSurface(3)
    surface.register([Parameter("/vqss/cluster/1/fx/0/ratio", (Argument("ratio", "float", 1.0, 20.0),), 4.0, "ratio")])
    addresses = [row.address for row in table(surface)]
    assert len(addresses) == len(set(addresses)) and "/vqss/cluster/1/fx/0/ratio" in addresses
    for entry in (*surface.parameters(), *surface.actions(), *surface.feeds()):
        parts = entry.path.split("/")
        folded = "/".join([*parts[:3], "{k}", *parts[4:]]) if parts[2] == "cluster" else entry.path
        assert folded in addresses or entry.path in addresses


def test_the_command_prints_a_table_and_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["osc"]) == 0
    assert "/vqss/cluster/{k}/gain" in capsys.readouterr().out
    assert main(["osc", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert {p["FULL_PATH"] for p in facts["parameters"]} == set(ControlSurface(facts["clusters"]).values())
    assert facts["actions"] and facts["feeds"]


def test_the_command_asks_a_running_engine(capsys: pytest.CaptureFixture[str]) -> None:
    surface = ControlSurface(5)
    surface.register([Parameter("/vqss/cluster/1/fx/0/ratio", (Argument("ratio", "float", 1.0, 20.0),), 4.0, "ratio")])
    surface.set("/vqss/main/gain", -4.5)
    with serve(surface) as server:
        assert main(["osc", "--connect", f"127.0.0.1:{server.port}", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    values = {p["FULL_PATH"]: p["VALUE"] for p in facts["parameters"]}
    assert facts["clusters"] == 5 and values["/vqss/main/gain"] == [-4.5]
    assert values["/vqss/cluster/1/fx/0/ratio"] == [4.0]


def test_nobody_there_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with serve(ControlSurface()) as server:
        port = server.port
    assert main(["osc", "--connect", f"127.0.0.1:{port}"]) == 1
    assert capsys.readouterr().err.startswith("vqss: no VQSS answers at 127.0.0.1")
    assert main(["osc", "--connect", "127.0.0.1:99999"]) == 2
