# The system packages each job needs on Debian and Ubuntu; sourced by prepare.sh.
# shellcheck shell=bash disable=SC2034
packages_run=(libportaudio2 libatomic1 libsndfile1)
packages_gui=(libgl1 libegl1 libxkbcommon0 libxkbcommon-x11-0 libdbus-1-3 libfontconfig1 libglib2.0-0
    libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-render-util0 libxcb-shape0
    libxcb-xinerama0 libxcb-xkb1)
packages_test=(fluidsynth fluid-soundfont-gm g++ jackd2 liblo-tools puredata-core xvfb zam-plugins)
# Only where there are such packages: JACK's small programs, which older systems have in jackd2 itself; PipeWire's JACK.
packages_test_if_known=(jack-example-tools pipewire pipewire-jack)
