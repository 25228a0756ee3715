"""The generator: one causal trunk over all bands, light heads conditioned on codes, masks that sum to one.

Everything in it sees powers only, never the channels one by one: stereo enters as the share of side energy
in each mask bin, so that swapping left and right changes nothing, what is panned keeps its place, and mono
is simply the case without side energy.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from vqss_engine.bundle import ModelBundle
from vqss_engine.config import ModelConfig
from vqss_engine.numerics import FEATURE_OFFSET, FEATURE_SCALE, FLOOR, LOG10_E, NORM_EPS, SILENCE
from vqss_engine.scan import linear_scan


class LayerState(NamedTuple):
    """What one layer remembers: h (B, Bn * R) and the last input (B, 1, Bn, D)."""

    hidden: Tensor
    previous: Tensor


class State(NamedTuple):
    """What the generator remembers between frames: log level (B, 1) and one LayerState a layer."""

    level: Tensor
    layers: tuple[LayerState, ...]


class RMSNorm(nn.Module):
    """Scale each vector to unit root mean square, then by a learned gain (Zhang & Sennrich 2019)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + NORM_EPS) * self.weight


class TimeMixer(nn.Module):
    """Gated linear recurrence over time, shared by the bands.

    The gates see only the current input and the one before (as in Lei et al. 2018 and Feng et al. 2024), so
    that all matrix products of a clip run at once and only a multiply-add remains sequential.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width, recurrent = config.width, config.recurrent_width
        self.norm = RMSNorm(width)
        self.shift = nn.Parameter(torch.full((width,), 0.3))
        self.into = nn.Linear(width, 3 * recurrent)
        self.out = nn.Linear(recurrent, width)
        with torch.no_grad():  # time constants from two frames to about two hundred
            self.into.bias[:recurrent] = torch.linspace(0.0, 5.3, recurrent)

    def forward(self, x: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        batch, frames, bands, _ = x.shape
        normed = self.norm(x)
        shifted = torch.cat([state.previous, normed[:, :-1]], dim=1)
        forget, candidate, gate = self.into(torch.lerp(normed, shifted, self.shift)).chunk(3, dim=-1)
        keep = torch.sigmoid(forget.float())
        flat = (batch, frames, -1)
        hidden = linear_scan(
            keep.reshape(flat), ((1 - keep) * candidate.float()).reshape(flat), state.hidden
        )
        y = self.out(hidden.reshape(batch, frames, bands, -1) * functional.silu(gate))
        return x + y, LayerState(hidden[:, -1], normed[:, -1:])


class BandMixer(nn.Module):
    """Perceptron across the bands, shared by the channels (Tolstikhin et al. 2021)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.norm = RMSNorm(config.width)
        self.up = nn.Linear(config.bands, config.band_hidden)
        self.down = nn.Linear(config.band_hidden, config.bands)

    def forward(self, x: Tensor) -> Tensor:
        y = self.up(self.norm(x).transpose(-1, -2))
        return x + self.down(functional.relu(y).square()).transpose(-1, -2)


class ChannelMixer(nn.Module):
    """Perceptron across the channels of a band."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.norm = RMSNorm(config.width)
        self.up = nn.Linear(config.width, config.channel_hidden)
        self.down = nn.Linear(config.channel_hidden, config.width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.down(functional.relu(self.up(self.norm(x))).square())


class Layer(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.time = TimeMixer(config)
        self.band = BandMixer(config)
        self.channel = ChannelMixer(config)

    def forward(self, x: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        x, state = self.time(x, state)
        return self.channel(self.band(x)), state


def equal_neighbours(edges: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """Runs of neighbouring bands, or bins, of equal width as (first, last + 1, width): one product serves a run."""
    runs: list[tuple[int, int, int]] = []
    for band, (low, high) in enumerate(pairwise(edges)):
        if runs and runs[-1][2] == high - low:
            runs[-1] = (runs[-1][0], band + 1, high - low)
        else:
            runs.append((band, band + 1, high - low))
    return runs


class Head(nn.Module):
    """Turns band embeddings and a code into logits over the mask bins.

    A code scales the units of a shared nonlinear layer (FiLM, Perez et al. 2018, without the shift); one
    linear layer a band, shared by all codes, reads the logits and the weight of the side energy from them.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.edges = config.band_edges
        self.groups = equal_neighbours(config.band_edges)
        self.norm = RMSNorm(config.width)
        self.units = nn.Linear(config.width, config.head_width)
        self.film = nn.Linear(config.code_dim, config.head_width)
        self.bias = nn.Linear(config.code_dim, config.mask_bins, bias=False)
        scale = config.head_width**-0.5
        self.weight = nn.Parameter(torch.randn(config.mask_bins, config.head_width) * scale)
        self.side = nn.Parameter(torch.zeros(config.bands, config.head_width))
        nn.init.normal_(self.film.weight, std=1.0)
        nn.init.ones_(self.film.bias)

    def forward(self, x: Tensor, codes: Tensor, side: Tensor) -> Tensor:
        """x (B, T, Bn, D), codes (K, J) or (B, K, J), side (B, T, M) -> logits (B, T, M, K)."""
        units = functional.relu(self.units(self.norm(x))).square()
        scales = self.film(codes)
        pieces = [self._read(units, scales, side, *group) for group in self.groups]
        bias = self.bias(codes).transpose(-1, -2)  # ([B], M, K)
        return torch.cat(pieces, dim=2) + (bias if bias.dim() == 2 else bias[:, None])

    def _read(self, units: Tensor, scales: Tensor, side: Tensor, first: int, last: int, width: int) -> Tensor:
        """Logits of the neighbouring bands first … last - 1, which are all `width` mask bins wide."""
        low, high = self.edges[first], self.edges[last]
        batch, frames, bands = units.shape[0], units.shape[1], last - first
        weight = torch.cat([self.weight[low:high].view(bands, width, -1), self.side[first:last, None]], dim=1)
        if scales.dim() == 2:
            mixed = weight[:, :, None] * scales  # (g, n + 1, K, U)
            read = torch.einsum("btgu,gnku->btgnk", units[:, :, first:last], mixed)
        else:
            mixed = weight[None, :, :, None] * scales[:, None, None]
            read = torch.einsum("btgu,bgnku->btgnk", units[:, :, first:last], mixed)
        lean = read[:, :, :, -1:] * side[:, :, low:high].view(batch, frames, bands, width, 1)
        return (read[:, :, :, :-1] + lean).flatten(2, 3)


class Generator(nn.Module):
    """Mix powers and codes in, masks out. `codes` (K, J) are the unit-norm code vectors of the codebook."""

    codes: Tensor
    counts: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        edges = torch.tensor(config.mask_edges)
        self.register_buffer("codes", functional.normalize(torch.randn(config.clusters, config.code_dim), dim=-1))
        self.register_buffer("counts", (edges[1:] - edges[:-1]).float(), persistent=False)
        self.encode = nn.ModuleList(
            nn.Linear(2 * (high - low), config.width)
            for low, high in pairwise(config.band_edges)
        )
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.head = Head(config)

    @classmethod
    def of(cls, bundle: ModelBundle) -> Self:
        """A bundle's generator, in evaluation mode, with weights of its own."""
        generator = cls(bundle.config)
        generator.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in bundle.weights.items()})
        return generator.eval()

    def initial_state(self, batch: int) -> State:
        """The state of a generator that has heard nothing, for `batch` streams."""
        config, device = self.config, self.codes.device
        hidden = torch.zeros(batch, config.bands * config.recurrent_width, device=device)
        previous = torch.zeros(batch, 1, config.bands, config.width, device=device)
        level = torch.full((batch, 1), SILENCE, device=device).log()
        return State(level, tuple(LayerState(hidden, previous) for _ in range(config.layers)))

    def features(self, power: Tensor, side: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
        """Normalise by a running level that jumps up and falls slowly, so that loudness does not matter.

        power, side: (B, T, M) sums over the channels and bins of a mask bin, power per channel; level: (B, 1).
        Returns features (B, T, M, 2) and the last log level (B, 1).
        """
        frames = power.shape[1]
        decay = torch.arange(1, frames + 1, device=power.device) * -math.log(self.config.level_decay)
        mean = (power.sum(-1) / self.config.bins).clamp_min(SILENCE).log()
        if frames == 1:  # the graph of one step knows no cummax
            tracked = torch.maximum(level - decay, mean)
        else:
            tracked = torch.cummax(torch.cat([level, mean + decay], dim=1), dim=1).values[:, 1:] - decay
        reference = tracked.clamp_min(math.log(SILENCE)).exp()[..., None]
        loudness = torch.log(power / self.counts / reference + FLOOR) * LOG10_E
        return torch.stack([(loudness + FEATURE_OFFSET) * FEATURE_SCALE, side], dim=-1), tracked[:, -1:]

    def embed(self, power: Tensor, side: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
        """What the first layer gets (B, T, Bn, D), and the last log level (B, 1); arguments as of `features`."""
        features, level = self.features(power, side, level)
        return torch.cat([self._encode(features, *group) for group in self.head.groups], dim=2), level

    def _encode(self, features: Tensor, first: int, last: int, width: int) -> Tensor:
        """The neighbouring bands first … last - 1 (B, T, g, D), all `width` mask bins wide, in one product."""
        low, high = self.config.band_edges[first], self.config.band_edges[last]
        pieces = features[:, :, low:high].unflatten(2, (last - first, width)).flatten(3)
        weight = torch.stack([encode.get_parameter("weight") for encode in self.encode[first:last]])
        bias = torch.stack([encode.get_parameter("bias") for encode in self.encode[first:last]])
        return torch.einsum("btgi,gdi->btgd", pieces, weight) + bias

    def trunk(self, power: Tensor, side: Tensor, state: State) -> tuple[Tensor, State]:
        """Band embeddings (B, T, Bn, D) of mask-bin powers and side shares (B, T, M), and the next state."""
        x, level = self.embed(power, side, state.level)
        after = []
        for layer, layer_state in zip(self.layers, state.layers, strict=True):
            x, layer_state = layer(x, layer_state)
            after.append(layer_state)
        return x, State(level, tuple(after))

    def logits(self, power: Tensor, side: Tensor, codes: Tensor, state: State) -> tuple[Tensor, State]:
        """Logits (B, T, M, K) for codes (K, J) or (B, K, J)."""
        x, state = self.trunk(power, side, state)
        return self.head(x, codes, side), state

    def statistics(self, spectrum: Tensor) -> tuple[Tensor, Tensor]:
        """Power and side share (B, T, M) of a spectrum (B, C, T, F), C = 1 or 2."""
        total = self._gather(spectrum.abs().square().mean(1))
        if spectrum.shape[1] == 1:
            return total, torch.zeros_like(total)
        difference = self._gather((spectrum[:, 0] - spectrum[:, 1]).abs().square())
        return total, difference / (4 * total + SILENCE)

    def _gather(self, power: Tensor) -> Tensor:
        edges = torch.tensor(self.config.mask_edges[:-1], device=power.device)
        summed = torch.zeros(*power.shape[:-1], self.config.mask_bins, device=power.device)
        index = torch.bucketize(torch.arange(power.shape[-1], device=power.device), edges, right=True) - 1
        return summed.index_add_(-1, index, power)

    def forward(self, spectrum: Tensor) -> Tensor:
        """Masks (B, K, T, M) of a whole spectrum (B, C, T, F) complex64; they sum to one over K."""
        logits, _ = self.logits(*self.statistics(spectrum), self.codes, self.initial_state(spectrum.shape[0]))
        return torch.softmax(logits, dim=-1).permute(0, 3, 1, 2)

    @torch.no_grad()
    def step(self, spectrum: Tensor, state: State) -> tuple[Tensor, State]:
        """Masks (B, K, M) of one frame (B, C, F), and the next state. Same numbers as `forward`."""
        logits, state = self.logits(*self.statistics(spectrum[:, :, None]), self.codes, state)
        return torch.softmax(logits[:, 0], dim=-1).transpose(1, 2), state
