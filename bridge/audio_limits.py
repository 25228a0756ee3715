"""What sound is taken: rates in Hz, both included, and channels."""

from __future__ import annotations

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 8_000, 192_000
"""Of songs and arrays."""

LOWEST_DEVICE_RATE_HZ = 32_000
"""Devices go as high as songs do."""

MOST_CHANNELS = 2
