"""VQSS engine: a mix in, K clusters out, one hop at a time.

A map of the rooms, in the order a hop of audio meets them:

config         ModelConfig (fixes shapes and sound), StreamConfig (what the machine chooses)
bundle         ModelBundle, the deployable model: safetensors and JSON
blocks         device blocks of any size gathered into hops
stft           streaming transform with a long analysis and a short synthesis window; fft, fft_passes and simd below it
runtime        the network on a processor, a frame or many at once; network holds its weights, matmul and kernels are
               its arithmetic, compiled says where code is kept
separator      spectrum and masks of a hop, mixed down or as stems; masked_istft applies the masks
offline        the separator for whole signals, on several threads; torch_masks is its network on another device
inserts        effects on clusters, kept in step by delay
renderer       the wet path of a hop; limiter, crossfade and delay serve it
mixer          faders, mutes, solos and groups as weights, ramped
meters         levels and, in spectra, pictures of a hop for those who watch
engine         all of it, one hop per call

control        the parameters and who is told of changes: vocabulary lists them, fx_addresses those of effects, state is
               what the engine reads, notifier and telemetry carry news, presets are kept on disk,
               preset_names are theirs, taper is the faders' curve
whole_files    files that are written whole or not at all, or never replace another
stop_signals   what asks a process to end, as an error that unwinds; worker_pool has tasks in processes of their own
generator      the same network in torch, for training; scan is its recurrence

This package imports nothing heavy by itself. Torch is for `generator` and `scan`, and for `torch_masks` when asked for.
"""
