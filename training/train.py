"""`vqss train`: discover the sources, give every stem its code, partition the mix.

Runs alone or under torchrun. Every step is a function of (seed, step, weights), and a checkpoint holds
everything else, so that a killed run resumes with the step after the last checkpoint.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from training.adapt import adopt, beginning, report, split_bank
from training.bank import Bank, build_bank
from training.checkpoint import write_checkpoint
from training.config import STAGES, DataConfig, StageConfig, TrainConfig
from training.data import Drawn, MixSampler, Sampler, prefetch
from training.device_mixer import stems_on
from training.fingerprint import check_stems, fingerprint
from training.fusing import fuse
from training.grouping import embed_stems, group_stems
from training.limits import check_batches
from training.optimizer import Optimizer, learning_rate
from training.process_group import first_then_others, has_fast_bfloat16, join
from training.progress import Progress
from training.ranks import of_first
from training.resuming import CHECKPOINT_NAME, as_begun, begun, is_under_way
from training.settings import load_config
from training.settle import ClipSampler, Settle
from training.stages import Discover, Metrics, Partition
from vqss_engine.errors import VQSSError
from vqss_engine.generator import Generator
from vqss_engine.stop_signals import end_if_asked

log = logging.getLogger(__name__)

LOG_EVERY = 20  # steps
COLLAPSED_SHARE = 0.6  # of the mixes' energy in one cluster


class Run:
    """One training run: its models, its place in the schedule, its files."""

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        place = join()
        self.rank, self.ranks, self.device = place.rank, place.ranks, place.device
        check_batches(config, self.ranks)
        torch.manual_seed(config.seed)
        if config.threads:
            torch.set_num_threads(config.threads)
        self.folder = Path(config.run)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.generator = Generator(config.model).to(self.device)
        self.discover = Discover(config, self.generator).to(self.device)
        self.average = _copy_of(self.generator)
        self.stem_codes: np.ndarray | None = None
        self.steps_done = dict.fromkeys(STAGES, 0)
        self.optimizer: Optimizer | None = None
        self.origin: dict[str, Any] = {}  # of an adapted bundle
        self.progress = Progress(self.folder) if self.rank == 0 else None
        self.bank = self.whole_bank = first_then_others(self._build_bank, place)
        self.samples = stems_on(self.device, self.whole_bank)
        if config.compile:
            fuse(self.generator, self.device)

    def _build_bank(self) -> Bank:
        data = self.config.data
        return build_bank(data.songs, Path(data.cache or self.folder), self.config.model.sample_rate, data.leave_out)

    def sampler(self, seed: int, data: DataConfig | None = None) -> MixSampler:
        """Mixes of the run's stems: their targets are its codes, where it has any."""
        config = self.config
        return MixSampler(self.bank, data or config.data, config.model, seed, self.stem_codes, self.samples)

    def resume(self, content: dict[str, Any]) -> None:
        """Take up what the run's last checkpoint holds; raises VQSSError if it was made with other stems."""
        check_stems(content, self.whole_bank, self.folder / CHECKPOINT_NAME)
        self.discover.load_state_dict(content["discover"])
        self.average = {key: value.to(self.device) for key, value in content["average"].items()}
        self.steps_done.update(content["progress"])
        self.origin = content.get("origin", {})
        if self.origin:
            self.bank = split_bank(self.whole_bank, self.config.adapt.held_out)[0]
        codes = content["stem_codes"]
        self.stem_codes = None if codes is None else np.asarray(codes)
        if content["optimizer"] is not None and is_under_way(self.config, content):
            self.optimizer = Optimizer(self._learning(), self.config.optimizer)
            self.optimizer.load_state_dict(content["optimizer"])
        log.info("resumed after %s", self.steps_done)

    def save(self) -> None:
        """Write the checkpoint, on the first rank only."""
        if self.rank:
            return
        content = {
            "config": asdict(self.config),
            "progress": dict(self.steps_done),
            "discover": self.discover.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict() if self.optimizer else None,
            "stem_codes": None if self.stem_codes is None else torch.from_numpy(self.stem_codes),
            "origin": self.origin,
            "stems": fingerprint(self.whole_bank),
        }
        if self.progress:
            self.progress.flush()  # a resumed run logs what comes after the checkpoint, and nothing before it
        write_checkpoint(self.folder / CHECKPOINT_NAME, content)

    def train(self) -> None:
        """Run what is left of all stages."""
        if self.steps_done["discover"] < self.config.discover.steps:
            self._run_discover()
            self._end_stage()
        if self.stem_codes is None:
            self._group()
            self.average = _copy_of(self.generator)
            self._end_stage()
        if self.steps_done["settle"] < self.config.settle.steps:
            self._settle()
            self._end_stage()
        if self.steps_done["partition"] < self.config.partition.steps:
            self._share("partition", self.config.partition)
            self._end_stage()
        if self.steps_done["refine"] < self.config.refine.steps:
            self._share("refine", self.config.refine)
        self.save()

    def _learning(self) -> nn.Module:
        """The module of the stage that is not done yet."""
        if self.stem_codes is None:
            return self.discover
        settled = self.steps_done["settle"] >= self.config.settle.steps
        return self.generator if settled else self.discover.encoder

    def _end_stage(self) -> None:
        """The next stage's optimiser begins anew."""
        self.optimizer = None
        self.save()

    def _group(self) -> None:
        """The codes of the partition and one for every stem, from the stems' mean embeddings."""
        book = self.discover.codebook
        stems = embed_stems(self.discover, self.sampler(self.config.seed), self.config.clips_per_stem, self.device)
        book.codes.copy_(group_stems(stems, book.codes, torch.Generator().manual_seed(self.config.seed)))
        self.generator.codes.copy_(of_first(book.codes))
        self.stem_codes = of_first(book.assign(stems)).cpu().numpy()
        used = np.bincount(self.stem_codes, minlength=self.config.model.clusters)
        log.info("stems per code: %s", used.tolist())

    def _run_discover(self) -> None:
        stage, config = self.config.discover, self.config
        module = self._distribute(self.discover)
        sampler = self.sampler(config.seed * 10 + 1)
        chance = torch.Generator()
        for step, batch in self._steps("discover", stage, sampler):
            chance.manual_seed(config.seed * 1_000_003 + step)  # so that a resumed run draws what the whole one does
            quantized = config.quantize and step >= config.unquantized_steps
            if config.quantize and step == config.unquantized_steps:
                self.discover.codebook.start(chance)
            with self._precision():
                loss, z, metrics = module(batch, quantized)
            self._descend(loss, self.discover, stage, step)
            book = self.discover.codebook
            if quantized:
                book.update(z, chance)
                metrics |= {"perplexity": book.perplexity()}
            else:
                book.remember(z)
            self._after_step("discover", step, stage, metrics)

    def _settle(self) -> None:
        """Teach the query encoder the codes that stand."""
        stage, config, encoder = self.config.settle, self.config, self.discover.encoder
        module = self._distribute(Settle(encoder, self.generator.codes, config.loss.temperature))
        data = replace(config.data, clip_s=stage.clip_s or config.data.clip_s)
        sampler = ClipSampler(self.sampler(config.seed * 10 + 3, data))
        for step, clips in self._steps("settle", stage, sampler):
            with self._precision():
                loss, metrics = module(clips)
            self._descend(loss, encoder, stage, step)
            self._after_step("settle", step, stage, metrics)

    def _share(self, name: str, stage: StageConfig) -> None:
        """Learn to share the mix among the codes."""
        config, generator = self.config, self.generator
        partition = Partition(config, generator, stage)
        module = self._distribute(partition)
        data = replace(
            config.data,
            clip_s=stage.clip_s or config.data.clip_s,
            stems_min=stage.stems_min or config.data.stems_min,
        )
        seed = config.seed * 10 + {"partition": 2, "refine": 4}[name]
        sampler = self.sampler(seed, data)
        for step, batch in self._steps(name, stage, sampler):
            with self._precision():
                loss, metrics = module(batch)
            self._descend(loss, generator, stage, step)
            self._after_step(name, step, stage, metrics)

    def _steps(self, name: str, stage: StageConfig, sampler: Sampler[Drawn]) -> Iterator[tuple[int, Drawn]]:
        if self.optimizer is None:
            self.optimizer = Optimizer(self._learning(), self.config.optimizer)
        self.generator.train()
        first = self.steps_done[name]
        if self.progress:
            self.progress.begin(name, first)
        batches = prefetch(sampler, first, stage.steps, stage.batch, self.rank, self.ranks)
        for step, batch in enumerate(batches, start=first):
            end_if_asked()
            yield step, batch.to(self.device)

    def _looks(self, step: int, stage: StageConfig) -> bool:
        """Whether the numbers of a step are looked at: before every checkpoint, at least, since on a graphics card that
        makes the host wait."""
        told, kept = step % LOG_EVERY == 0, (step + 1) % self.config.checkpoint_every == 0
        return told or kept or step + 1 == stage.steps or self.device.type == "cpu"

    def _descend(self, loss: torch.Tensor, module: nn.Module, stage: StageConfig, step: int) -> None:
        assert self.optimizer is not None
        self.optimizer.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(module.parameters(), self.config.clip_gradient)
        if self._looks(step, stage) and not torch.isfinite(loss + norm):
            raise VQSSError(f"the loss is no longer finite at step {step}; lower the learning rate and resume")
        self.optimizer.step(learning_rate(stage, step))
        decay = min(self.config.average_decay, (step + 1) / (step + 10))
        now = self.generator.state_dict()
        torch._foreach_lerp_([self.average[key] for key in now], list(now.values()), 1 - decay)

    def _after_step(self, name: str, step: int, stage: StageConfig, metrics: Metrics) -> None:
        self.steps_done[name] = step + 1
        is_last = step + 1 == stage.steps  # saved at the stage's end, without an optimiser that the next cannot take up
        if (step + 1) % self.config.checkpoint_every == 0 and not is_last:
            self.save()
        if not self.progress or not self._looks(step, stage):
            return
        numbers = {key: float(value) for key, value in metrics.items()}
        if step % LOG_EVERY == 0:
            self.progress.tell(name, step, stage.steps, numbers)
        if numbers.get("largest_share", 0.0) > COLLAPSED_SHARE and step > stage.steps // 4:
            log.warning("one cluster holds %.0f %% of the energy", 100 * numbers["largest_share"])

    def _distribute(self, module: nn.Module) -> nn.Module:
        return DistributedDataParallel(module) if self.ranks > 1 else module

    @contextmanager
    def _precision(self) -> Iterator[None]:
        mixed = self.config.mixed_precision and has_fast_bfloat16(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=mixed):
            yield


def _copy_of(module: nn.Module) -> dict[str, torch.Tensor]:
    return {key: value.detach().clone() for key, value in module.state_dict().items()}


def run_training(
    config_path: str | Path,
    overrides: list[str] | None = None,
    resume: bool = False,
    init: str | None = None,
    adapted: Callable[[dict[str, Any]], None] = lambda report: None,
) -> None:
    """Train as the configuration says; the result is `checkpoint.pt` in its run folder.

    With `init` the run starts from that bundle, whose model it has, and `adapted` is told what it gained; going on
    needs the bundle no more. Raises UsageError and VQSSError where something does not fit, most of it before all work.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    config = load_config(config_path, overrides)
    content = begun(Path(config.run), resume)
    bundle = None if content else beginning(init, config, overrides or ())
    if bundle:
        config = replace(config, model=bundle.config)
    if content:
        config = as_begun(config, content)
    run = Run(config)
    if content:
        run.resume(content)
    elif bundle:
        adopt(run, bundle)
    if run.rank == 0:
        (run.folder / "config.json").write_text(json.dumps(asdict(config), indent=1), encoding="utf-8")
    run.train()
    if run.origin and run.rank == 0:
        adapted(report(run))
