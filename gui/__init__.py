"""The mixer window: sixteen faders, meters and the spectrogram, in Qt.

It knows the engine only by `vqss_engine.control`, over OSC, and runs in a process of its own.
"""
