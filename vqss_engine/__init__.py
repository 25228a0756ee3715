"""VQSS engine: a mix in, K clusters out, one hop at a time.

A map of the rooms, in the order a hop of audio meets them:

config      ModelConfig (fixes shapes and sound), StreamConfig (what the machine chooses)
bundle      ModelBundle, the deployable model: safetensors and JSON
blocks      device blocks of any size gathered into hops
stft, fft   streaming transform with a long analysis and a short synthesis window
runtime     one step of the network on one core (numba); generator is the same network in torch
separator   spectrum and masks of a hop, mixed down or as stems
mixer       faders, mutes, solos and groups as weights, ramped
control     the parameters, their state and who is told of changes
engine      all of it, one hop per call

This package imports nothing heavy by itself, and nothing but `generator` and `scan` ever imports torch.
"""
