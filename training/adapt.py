"""`vqss train --init BUNDLE`: a bundle goes on learning from somebody's own stems.

The codebook stands, so what a cluster means stays what it was. It grows where there is room: a code that no stem of
the bundle's training had (`usage` below `adapt.free_below`), and that none of the new stems is near to, goes to new
stems that are far from every code in use, farthest first (Gonzalez 1985). A bundle whose codes are all in use keeps
them all, and far stems join the code that is nearest. The last part of every stem is held out, and what the clusters
are worth there is measured before and after.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.bank import ACTIVITY_BLOCK, Bank
from training.codes import load_encoder
from training.config import TrainConfig
from training.data import MixSampler
from training.grouping import embed_stems
from training.growth import deepened
from training.limits import check
from training.losses import squared_error
from training.ranks import of_first
from training.stages import of_slots
from vqss_engine.bundle import ModelBundle
from vqss_engine.errors import UsageError, VQSSError
from vqss_engine.generator import Generator

if TYPE_CHECKING:
    from training.train import Run

log = logging.getLogger(__name__)

REPORT_NAME = "adapted.json"
STEMS_AT_ONCE = 8  # of a held-out song, so that its mix is as it is
MIXES, MIXES_AT_ONCE = 32, 4


@dataclass(frozen=True)
class Growth:
    """What became of a codebook: its codes (K, J), which of them are new, how many stems found no free code."""

    codes: Tensor
    new: list[int]
    left_out: int


def grow_codes(codes: Tensor, usage: list[float], stems: Tensor, free_below: float, far_cosine: float) -> Growth:
    """Give the free codes to stems that are far from every code in use.

    codes (K, J) and stems (S, J) are unit vectors; usage (K,) is each code's share of the bundle's stems (empty:
    unknown, and nothing is free). A stem is far if its cosine to every code in use is below `far_cosine`; the new code
    is the mean of the far stems around the farthest one.
    """
    codes, new = codes.clone(), list[int]()
    claimed = set((stems @ codes.T).max(-1).indices[(stems @ codes.T).amax(-1) >= far_cosine].tolist())
    used = [k for k in range(len(codes)) if not usage or usage[k] >= free_below or k in claimed]
    free = sorted(set(range(len(codes))) - set(used), key=lambda k: usage[k])
    while True:
        nearest = (stems @ codes[used].T).amax(-1) if used else stems.new_full((len(stems),), -1.0)
        far = nearest < far_cosine
        if not free or not far.any():
            return Growth(codes, new, int(far.sum()))
        centre = stems[nearest.argmin()]
        alike = stems @ centre
        around = stems[far & (alike >= min(far_cosine, float(alike.max())))]  # itself at least, whatever rounding does
        code = free.pop(0)
        codes[code] = functional.normalize(around.sum(0), dim=0)
        used.append(code)
        new.append(code)


def split_bank(bank: Bank, held_out: float) -> tuple[Bank, Bank]:
    """The same stems twice: what comes before the last `held_out` (0…1) of each song, and what comes then.

    All stems of a song are cut where its longest is, so that what sounds together stays together; of a stem that is
    over by then nothing is left.
    """
    longest = np.zeros(int(bank.songs.max()) + 1, np.int64)
    np.maximum.at(longest, bank.songs, bank.lengths)
    blocks = np.maximum(1, np.floor(longest[bank.songs] * (1 - held_out) / ACTIVITY_BLOCK)).astype(np.int64)
    cuts = np.minimum(blocks * ACTIVITY_BLOCK, bank.lengths)
    rest = replace(
        bank,
        starts=bank.starts + cuts,
        lengths=bank.lengths - cuts,
        activity_starts=bank.activity_starts + blocks,
    )
    return replace(bank, lengths=cuts), rest


@torch.no_grad()
def code_gains(weights: dict[str, Tensor], bank: Bank, codes: np.ndarray, config: TrainConfig) -> dict[int, float]:
    """SDR improvement in dB over the mix of every code whose stems (`codes`, one a stem) sound in a bank's songs.

    Mixes are as the songs have them but for level and place, and the same in every call; those of a single code are
    left out, since nothing can be improved there.
    """
    generator = Generator(config.model)
    generator.load_state_dict({key: value.cpu() for key, value in weights.items()})
    whole = replace(
        config.data, coherent=1.0, gain_spread_db=0.0, speed_range=0.0, eq_db=0.0, wide=0.0, stems_min=STEMS_AT_ONCE,
        stems_max=STEMS_AT_ONCE,
    )  # fmt: skip
    sampler = MixSampler(bank, whole, config.model, config.seed, codes)
    gains: dict[int, list[float]] = {}
    for step in range(MIXES // MIXES_AT_ONCE):
        batch = sampler.batch(step, MIXES_AT_ONCE)
        state = generator.initial_state(MIXES_AT_ONCE)
        logits, _ = generator.logits(batch.power, batch.side, generator.codes, state)
        masks = of_slots(torch.softmax(logits, dim=-1), batch.slot_codes)
        error, mix_error = (
            squared_error(m, batch.power, batch.cross, batch.energy) for m in (masks, torch.ones_like(masks))
        )
        for mix, slot in torch.nonzero(batch.present & (batch.present.sum(1, keepdim=True) > 1)).tolist():
            gain = 10 * torch.log10(mix_error[mix, slot].clamp_min(1e-12) / error[mix, slot].clamp_min(1e-12))
            gains.setdefault(int(batch.slot_codes[mix, slot]), []).append(float(gain))
    return {code: float(np.mean(values)) for code, values in sorted(gains.items())}


def beginning(init: str | None, config: TrainConfig, overrides: Sequence[str] = ()) -> ModelBundle | None:
    """The bundle that a run goes on from; None where it begins from nothing.

    Raises VQSSError where it is none or has no query encoder, UsageError where its sizes or the run lack something, or
    the overrides ask for what the bundle decides.
    """
    if init is None:
        if not config.discover.steps:
            raise UsageError("discover.steps is 0, so that no codes are found; add --init BUNDLE, or choose more")
        return None
    bundle = ModelBundle.load(init)
    load_encoder(bundle)  # one that fits
    _refuse_another_model(bundle, config, overrides)
    bundle = deepened(bundle, config.adapt.layers, config.seed)
    check(replace(config, model=bundle.config))
    return bundle


def _refuse_another_model(bundle: ModelBundle, config: TrainConfig, overrides: Sequence[str]) -> None:
    for key in (override.partition("=")[0].strip() for override in overrides):
        section, _, name = key.partition(".")
        if section == "model" and getattr(config.model, name) != (own := getattr(bundle.config, name)):
            raise UsageError(f"{key} of the bundle is {own} and stays so; leave it out (adapt.layers adds layers)")


def adopt(run: Run, bundle: ModelBundle) -> None:
    """Start a run from a bundle with a query encoder: grow its codebook, give the stems their codes, and measure it as
    it is.

    Raises VQSSError where the ends of the stems are nothing to measure by.
    """
    config, discover = run.config, run.discover
    weights = _tensors(bundle.weights)
    run.generator.load_state_dict(weights)
    discover.encoder.load_state_dict(_tensors(bundle.query_weights))
    discover.codebook.codes.copy_(run.generator.codes)
    run.steps_done["discover"] = config.discover.steps
    run.bank, held_out = split_bank(run.bank, config.adapt.held_out)
    stems = embed_stems(discover, run.sampler(config.seed), config.clips_per_stem, run.device)
    growth = _grow(run, bundle, stems)
    run.stem_codes = of_first(discover.codebook.assign(stems)).cpu().numpy()
    before = code_gains(weights, held_out, run.stem_codes, config)
    if not before:
        raise VQSSError("the ends of the stems hold no mix of two codes to judge by; raise adapt.held_out or add songs")
    run.average = {key: value.detach().clone() for key, value in run.generator.state_dict().items()}
    kept = [k not in growth.new for k in range(config.model.clusters)]
    run.origin = {
        "name": bundle.name,
        "sha256": bundle.sha256,
        "cluster_names": [name if keep else "" for name, keep in zip(bundle.cluster_names, kept)],
        "cluster_colors": [color if keep else "" for color, keep in zip(bundle.cluster_colors, kept)],
        "usage": [share if keep else 0.0 for share, keep in zip(bundle.usage, kept)],
        "credits": [str(credit) for credit in bundle.provenance.get("credits", ())],
        "rounds": rounds_of(bundle),
        "new_codes": growth.new,
        "left_out": growth.left_out,
        "before_db": before,
    }


def rounds_of(bundle: ModelBundle) -> list[Any]:
    """What a bundle has learned so far: its earlier rounds, and its own."""
    known = ("steps", "batch", "seed", "git_revision")
    own = {key: bundle.provenance[key] for key in known if key in bundle.provenance}
    return [*bundle.provenance.get("earlier_rounds", ()), *([own] if own else [])]


def _grow(run: Run, bundle: ModelBundle, stems: Tensor) -> Growth:
    adapt = run.config.adapt
    growth = grow_codes(run.generator.codes, bundle.usage, stems, adapt.free_below, adapt.far_cosine)
    run.generator.codes.copy_(growth.codes)
    run.discover.codebook.codes.copy_(of_first(run.generator.codes))
    if growth.new:
        log.info("new sounds get codes that were free: %s", growth.new)
    if growth.left_out:
        log.info("%d stems are far from every code and none is free: they join the nearest", growth.left_out)
    return growth


def _tensors(weights: dict[str, Any]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(np.array(value)) for name, value in weights.items()}


def report(run: Run) -> dict[str, Any]:
    """What the adapted run has gained over its bundle on the held-out ends of the stems; also in `adapted.json`.

    {"bundle", "codes": [{"code", "name", "new", "stems", "before_db", "after_db"}], "mean": {"before_db", "after_db"},
    "left_out"}: SDR improvement over the mix of each code of the user's stems that sounds there.
    """
    assert run.stem_codes is not None
    _, held_out = split_bank(run.whole_bank, run.config.adapt.held_out)
    after, before = code_gains(run.average, held_out, run.stem_codes, run.config), run.origin["before_db"]
    stems = np.bincount(run.stem_codes, minlength=run.config.model.clusters)
    rows = [
        {
            "code": code,
            "name": run.origin["cluster_names"][code],
            "new": code in run.origin["new_codes"],
            "stems": int(stems[code]),
            "before_db": before[code],
            "after_db": gain,
        }
        for code, gain in after.items()
    ]
    mean = {key: float(np.mean([row[key] for row in rows])) for key in ("before_db", "after_db")}
    result = {"bundle": run.origin["name"], "codes": rows, "mean": mean, "left_out": run.origin["left_out"]}
    (run.folder / REPORT_NAME).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result
