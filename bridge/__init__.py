"""Bridges between the engine and the world: files, devices, OSC, plugins and the command line."""
