"""VQSS engine: a mix in, K clusters out, one hop at a time.

A map of the rooms, in the order a hop of audio meets them:

config         ModelConfig (fixes shapes and sound), StreamConfig (what the machine chooses)
bundle         ModelBundle, the deployable model: safetensors and JSON
blocks         device blocks of any size gathered into hops
stft           streaming transform with a long analysis and a short synthesis window; fft, fft_passes and simd below it
runtime        one step of the network on one core; kernels are its arithmetic, compiled says where code is kept
separator      spectrum and masks of a hop, mixed down or as stems
inserts        effects on clusters, kept in step by delay
renderer       the wet path of a hop; limiter, crossfade and delay serve it
mixer          faders, mutes, solos and groups as weights, ramped
meters         levels and, in spectra, pictures of a hop for those who watch
engine         all of it, one hop per call

control        the parameters and who is told of changes: vocabulary lists them, state is what the engine reads,
               notifier and telemetry carry news, presets are kept on disk, taper is the faders' curve
generator      the same network in torch, for training; scan is its recurrence

This package imports nothing heavy by itself, and nothing but `generator` and `scan` ever imports torch.
"""
