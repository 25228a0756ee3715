# `make run` and `make test` set everything up by themselves; see setup/prepare.sh.
.DEFAULT_GOAL := help
.PHONY: help setup run test lint bench gui live clean distclean

SONG ?=
ARGS ?=
export SONG
VQSS := .venv/bin/vqss
PYTHON := .venv/bin/python

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## */\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "make %-10s %s\n", $$1, $$2}'

setup:  ## system packages, virtual environment, dependencies; nothing else
	@setup/prepare.sh run

run:  ## separate SONG=path (default: a song the project renders itself) into out/, with picture and summary
	@setup/prepare.sh run
	@mkdir -p out
	@if [ -z "$$SONG" ]; then \
		SONG=out/demo.wav; \
		[ -f "$$SONG" ] || { rm -f out/.demo.wav && $(PYTHON) examples/demo_song.py out/.demo.wav \
			&& mv out/.demo.wav "$$SONG"; } || exit 1; \
	fi; \
	$(VQSS) separate "$$SONG" -o out --figure --mixdown --overwrite $(ARGS)

test:  ## run the tests; ARGS are given to pytest
	@setup/prepare.sh test
	@$(PYTHON) -m pytest $(ARGS)

lint:  ## ruff and mypy
	@setup/prepare.sh test
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m mypy vqss_engine bridge training gui

bench:  ## measure this machine beside other programs, under 8 minutes; tables in docs/performance.md
	@setup/prepare.sh test
	@$(PYTHON) -m benchmarks $(ARGS)

gui:  ## the mixer window
	@setup/prepare.sh gui
	@$(VQSS) gui $(if $(SONG),"$$SONG") $(ARGS)

live:  ## separate the sound card's input, with OSC
	@setup/prepare.sh run
	@$(VQSS) live $(ARGS)

clean:  ## remove outputs and caches, keep the environment
	rm -rf out vqss-out build dist ./*.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*/*' -prune -exec rm -rf {} +

distclean: clean  ## clean, and remove the environments too
	rm -rf .venv .venv-peers
