# What users and developers run: each command sets up what it needs by itself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_FLAGS := --quiet --disable-pip-version-check --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help install demo check test test-models readme docs bench known-bias findings real-findings real-study league \
  clean

help: ## list these commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "pi_amt needs Python 3.11 or newer; try: make PYTHON=python3.12 demo"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# torch comes first and by its exact version: any other spelling may fetch gigabytes of CUDA.
$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing pi_amt into $(VENV) (a few minutes the first time) …"
	$(BIN)/pip install $(PIP_FLAGS) "$$(grep '^torch==' constraints.txt)"
	$(BIN)/pip install $(PIP_FLAGS) --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/pip install $(PIP_FLAGS) --editable '.[dev,dask,slurm,docs,waon]'
	@touch $@

install: $(VENV)/.installed ## make .venv and install the package

# Ten works are the fewest on which all its tests can succeed after correction. Short excerpts keep it under four minutes
# on two cores.
demo: $(VENV)/.installed ## what the models rely on, on short excerpts of the built-in piano recordings
	$(BIN)/python -m pi_amt experiment=answer dataset.max_tracks=10 dataset.max_seconds=4 excerpts=0

# Two processes also where there are more cores: each may hold 1.5 GiB, and starts programs of its own. The tests of one
# file run in one process, so that what they start (a SLURM cluster, dask workers, a browser) is started once.
PROCESSES ?= 2
PYTEST := $(BIN)/pytest --numprocesses $(PROCESSES) --dist loadfile

# Tests that run no whole study; those of them that still take long are marked `slow`.
FAST := tests/test_imports.py tests/test_constraints.py tests/core tests/datasets tests/permutations tests/scoring \
  tests/store tests/statistics tests/report/tables tests/report/test_statements.py tests/cli/test_plan.py \
  tests/cli/test_printout.py
check: $(VENV)/.installed-dev ## ruff, mypy --strict and the fast tests, under a minute
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(PYTEST) -m "not slow" $(FAST)

test: $(VENV)/.installed-dev ## ruff, mypy --strict and all tests (PROCESSES=2)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(PYTEST)

# Models of other people have an environment of their own with Python 3.12, which Harmonica asks for. There torch comes
# with CUDA wherever its index offers no build without: 5 GB. What cannot be installed is named, and its tests skip.
PYTHON12 ?= $(shell for python in python3.12 "$$(pyenv root 2>/dev/null)"/versions/3.12.*/bin/python; do \
  "$$python" -c '' 2>/dev/null && { echo "$$python"; break; }; done)
MODELS_BIN := .venv-models/bin

.venv-models/.installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON12)" || { echo "no Python 3.12 found; try: make test-models PYTHON12=path/to/python3.12"; exit 1; }
	@test -x $(MODELS_BIN)/python || $(PYTHON12) -m venv .venv-models
	$(MODELS_BIN)/pip install $(PIP_FLAGS) "$$(grep '^torch==' constraints.txt)"
	$(MODELS_BIN)/pip install $(PIP_FLAGS) --editable . pytest pytest-timeout
	for model in harmonica madmom transkun; do $(MODELS_BIN)/pip install $(PIP_FLAGS) --editable ".[$$model]" || \
	  echo "note: could not install $$model; its tests will skip"; done
	@touch $@

test-models: .venv-models/.installed ## other people's models against their own programs (PYTHON12=, installs 6 GB)
	$(MODELS_BIN)/python -m pytest -rs tests/models/test_other_models.py

readme: demo ## the sentences and the picture of the README, from what the demo finds
	$(BIN)/python scripts/make_findings.py results --page readme

docs: $(VENV)/.installed-dev ## build the documentation into docs/_build/html
	$(BIN)/sphinx-build --fail-on-warning --quiet docs docs/_build/html

# To be made again where weights, masks, the method or the truth set have changed: a test tells.
KNOWN_BIAS := src/pi_amt/statistics/known_bias
known-bias: $(VENV)/.installed ## how far each mask is from the truth: tables that ship, docs and picture
	$(BIN)/pi-amt calibrate basic_pitch --music --device cpu --save $(KNOWN_BIAS)/basic_pitch.json
	$(BIN)/pi-amt calibrate timbre_trap --music --device cpu --save $(KNOWN_BIAS)/timbre_trap.json
	for model in basic_pitch timbre_trap; do \
	  $(BIN)/pi-amt calibrate $$model --music --domain audio --masks ratio_fund_mask,ratio_harm_mask --device cpu \
	    --save "$(KNOWN_BIAS)/$$model (audio).json" || exit 1; \
	done
	$(BIN)/python scripts/make_bias_picture.py

# A store for each study, so that Holm's correction counts its own conditions.
REPEATS ?= 5
FINDINGS ?= results/findings
OPTIONS ?=
TRUTH_OPTIONS ?=
CONDITIONS := no_permutation,random,microtonal,high_freq,fund_mask,harm_mask,soft_fund_mask,soft_harm_mask
WITH_CONTROLS := permutation=$(CONDITIONS),ratio_fund_mask,ratio_harm_mask controls=true repeats=$(REPEATS)
STUDY := -m dataset=demo report=false
findings: $(VENV)/.installed ## the demo study's findings in docs (REPEATS=5 OPTIONS= TRUTH_OPTIONS=)
	$(BIN)/python -m pi_amt $(STUDY) $(WITH_CONTROLS) results_dir=$(FINDINGS)/study $(OPTIONS)
	$(BIN)/python -m pi_amt $(STUDY) experiment=shapley results_dir=$(FINDINGS)/shapley $(OPTIONS)
	$(BIN)/python -m pi_amt $(STUDY) experiment=harmonic_profile results_dir=$(FINDINGS)/profile $(OPTIONS)
	$(BIN)/python scripts/true_profile.py $(FINDINGS)/truth $(TRUTH_OPTIONS)
	$(BIN)/python -m pi_amt $(STUDY) experiment=dose results_dir=$(FINDINGS)/dose $(OPTIONS)
	$(BIN)/python scripts/make_findings.py $(FINDINGS)
	$(BIN)/python scripts/make_findings.py $(FINDINGS) --page findings_profiles
	COLUMNS=110 $(BIN)/pi-amt plan $(FINDINGS)/study > docs/generated/planning.txt
	COLUMNS=100 $(BIN)/pi-amt calibrate basic_pitch > docs/generated/calibration_basic_pitch.txt
	COLUMNS=100 $(BIN)/pi-amt calibrate timbre_trap > docs/generated/calibration_timbre_trap.txt

# Of each recording the first minute. It goes on where it was stopped; findings come first, to stand beside.
REAL_FINDINGS ?= results/real_findings
MINUTES := -m dataset=maps dataset.data_folder="$(MAPS)" dataset.max_seconds=60 report=false
real-findings: $(VENV)/.installed ## the findings of real pianos in docs: make real-findings MAPS=folder
	$(BIN)/python -m pi_amt $(MINUTES) $(WITH_CONTROLS) results_dir=$(REAL_FINDINGS)/study $(OPTIONS)
	$(BIN)/python -m pi_amt $(MINUTES) experiment=harmonic_profile results_dir=$(REAL_FINDINGS)/profile $(OPTIONS)
	$(BIN)/python -m pi_amt $(MINUTES) experiment=shapley results_dir=$(REAL_FINDINGS)/shapley $(OPTIONS)
	$(BIN)/python scripts/make_findings.py $(REAL_FINDINGS) --page findings_real --demo $(FINDINGS)

REAL := -m controls=true repeats=$(REPEATS) results_dir=results/real/study
real-study: $(VENV)/.installed ## the 32 runs: make real-study MAPS=folder MAESTRO=folder
	$(BIN)/python -m pi_amt $(REAL) dataset=maps dataset.data_folder="$(MAPS)"
	$(BIN)/python -m pi_amt $(REAL) dataset=maestro dataset.data_folder="$(MAESTRO)"
	$(BIN)/python scripts/make_findings.py results/real --page real_study

# Every row is stored, so it goes on where it was stopped. SHORT=1 takes minutes: 5 s of each recording of the truth set,
# and models that are quick. A model that misses its package is left out with one line.
SHORT ?=
LEAGUE ?= results/league$(if $(SHORT),_short)
SHORT_MODELS := basic_pitch basic_pitch_onnx waon aubio
ALL_MODELS := $(SHORT_MODELS) timbre_trap harmonica:nano harmonica:small harmonica:medium harmonica:large \
  harmonica:x-large transkun madmom
LEAGUE_MODELS ?= $(if $(SHORT),$(SHORT_MODELS),$(ALL_MODELS))
LEAGUE_OPTIONS ?= $(if $(SHORT),--seconds 5,--seconds 30)
league: $(VENV)/.installed ## what models rely on, ranked: make league [SHORT=1] [MAPS=folder]
	$(BIN)/python scripts/make_league.py "$(LEAGUE)" --models "$(LEAGUE_MODELS)" \
	  $(if $(MAPS),--maps "$(MAPS)") $(LEAGUE_OPTIONS)

bench: $(VENV)/.installed-dev ## run the benchmarks, print their table and write it into docs/benchmarks.md
	$(BIN)/python -m benchmarks

clean: ## remove the environment and everything built
	rm -rf $(VENV) build dist docs/_build
