# Every target is a line or two over `python -m benchmark` and `python -m analysis`.
PYTHON ?= python3
SUITE ?= digits
SEARCHER ?=
FORMATS ?=
SIZE ?=
JOBS ?=
RESULTS ?= results
DATA ?= data
WHEELS ?= orjson
FAMILIES ?=
TASKSET ?=
KERNELS ?=
CARRIED ?= .gpu
OUT ?= results/gpu
GPU_OPTIONS ?=
RUN := .venv/bin/python

# A variable's text for the shell: spaces and quotes stay what they are, and so does a dollar sign, doubled or not.
quote = '$(subst $$$$,$$,$(subst ','\'',$(value $(1))))'
RESULTS_OPTION = --results $(call quote,RESULTS)
FIGURE_OPTIONS = $(if $(FORMATS),--formats $(call quote,FORMATS)) $(if $(SIZE),--size $(call quote,SIZE))
JOBS_OPTION = $(if $(JOBS),--jobs $(call quote,JOBS))

.PHONY: help setup adapters dehb frameworks bench arena enter plots report smoke tables status list test test-all test-faults conformance lint format check perf reliability scale perf-algorithms gpu-carry gpu-first gpu-second clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /|/' | awk -F'|' '{printf "  make %-15s %s\n", $$1, $$2}'
	@echo '  variables:' SUITE=$(call quote,SUITE) JOBS=$(if $(JOBS),$(call quote,JOBS),'all cores') RESULTS=$(call quote,RESULTS) PYTHON=$(call quote,PYTHON)

.venv/.installed: requirements.lock
	$(PYTHON) -c 'import sys; sys.exit("Python >= 3.11 is needed, this is " + sys.version) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv && $(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock && touch $@

.venv/.adapters: requirements-adapters.lock .venv/.installed
	$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-adapters.lock && touch $@

setup: .venv/.installed  ## create .venv and install the locked requirements

adapters: .venv/.adapters  ## the libraries that have adapters too: Optuna, SMAC3, Syne Tune, Ray Tune and others

.external/dehb/.installed: algorithms/external/requirements-dehb.lock
	$(PYTHON) -m venv .external/dehb
	.external/dehb/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $< && touch $@

dehb: .external/dehb/.installed  ## create .external/dehb, the environment of DEHB (Python 3.11 or 3.12)

FRAMEWORKS = jax keras mxnet

.external/%/.installed: objectives/external/requirements-%.lock
	$(PYTHON) -m venv .external/$*
	.external/$*/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $< && touch $@
	@du -sm .external/$* | awk '{print "$*: " $$1 " MB"}'

frameworks: $(FRAMEWORKS:%=.external/%/.installed)  ## environments of JAX, Keras and MXNet below .external, for the suite frameworks_digits (Python 3.11)

bench: setup  ## run SUITE, or go on with it, then tables and figures
	$(RUN) -m benchmark run $(call quote,SUITE) $(RESULTS_OPTION) $(JOBS_OPTION)
	$(RUN) -m analysis plots $(call quote,SUITE) $(RESULTS_OPTION)

plots: setup  ## tables and figures of SUITE from its ledgers alone; FORMATS=png,svg,pdf, SIZE=one-column
	$(RUN) -m analysis plots $(call quote,SUITE) $(RESULTS_OPTION) $(FIGURE_OPTIONS)

report: setup  ## the HTML page of SUITE, with the tables and figures that it links to
	$(RUN) -m analysis plots $(call quote,SUITE) $(RESULTS_OPTION) --quiet
	$(RUN) -m analysis report $(call quote,SUITE) $(RESULTS_OPTION)

smoke: setup  ## a tiny suite end to end, from nothing to figures, in a folder of its own
	rm -rf results/.smoke && $(RUN) -m benchmark run smoke --results results/.smoke $(JOBS_OPTION) --device cpu
	$(RUN) -m analysis plots smoke --results results/.smoke

arena: SUITE = arena
arena: adapters dehb bench  ## run the suite arena, or go on with it: 21 methods on 22 tables, hours; make tables first

enter: setup  ## where SEARCHER ranks among the methods of the arena, as SEARCHER=my_search:Shrink
	$(RUN) -m benchmark enter $(call quote,SEARCHER) $(JOBS_OPTION)

tables: setup  ## published tables of real trainings into DATA/tables; FAMILIES="hpob lcbench" for more, TASKSET=DIR
	INCUMBENT_DATA=$(call quote,DATA) $(RUN) -m benchmark offline-tables make $(FAMILIES) $(if $(TASKSET),--taskset $(call quote,TASKSET))

status: setup  ## runs done, partial, failed and missing of SUITE
	$(RUN) -m benchmark status $(call quote,SUITE) $(RESULTS_OPTION)

list: setup  ## objectives, algorithms and suites
	$(RUN) -m benchmark list

test: setup  ## the quick tests, at most four minutes on two cores
	$(RUN) -m pytest -q --ignore=tests/perf --ignore=tests/algorithms/adapters -m "not slow and not faults and not libraries" -n 2 --dist loadfile

test-all: adapters dehb  ## all tests that CI runs: slow ones, interpreted kernels, the browser, every adapter
	$(RUN) -m pytest -q --ignore=tests/perf -m "not faults" -n 2 --dist loadfile --no-loadscope-reorder

test-faults: adapters  ## the tests of faults at full size: 200 kills, 200 signals, every backend; more than an hour
	INCUMBENT_KILLS=134 INCUMBENT_SIGNALS=200 INCUMBENT_EXAMPLES=200 $(RUN) -m pytest -q tests/benchmark tests/algorithms/adapters -m "faults and not clusters" -n 2
	INCUMBENT_EXAMPLES=200 $(RUN) -m pytest -q tests/benchmark/test_state_machine.py -m "not faults"
	INCUMBENT_KILLS_IN_A_ROW=3 $(RUN) -m pytest -q tests/benchmark -m clusters

conformance: adapters  ## write docs/conformance.md anew from the tests
	CONFORMANCE=docs/conformance.md $(RUN) -m pytest -q tests/algorithms/adapters/test_conformance.py -n 0

lint: setup  ## ruff and mypy
	$(RUN) -m ruff check . && $(RUN) -m ruff format --check .
	$(RUN) -m mypy

format: setup  ## let ruff format the code
	$(RUN) -m ruff check --fix . && $(RUN) -m ruff format .

check: lint smoke test-all  ## what CI runs

perf: setup  ## what the harness costs beside Optuna, what training gains beside a tight loop
	$(RUN) -m pytest -q tests/perf --benchmark-columns=min,median,max,rounds -p no:xdist
	$(RUN) -m tests.perf.engine --out results/reference

reliability: setup  ## what docs/reliability.md holds itself to, measured; a missed target is exit code 1
	$(RUN) -m tests.perf.reliability --out results/reference

scale: adapters  ## efficiency on 1 to 8 workers, simulated to 64: docs/scale.md
	$(RUN) -m tests.perf.scale --out results/reference --page docs/scale.md

perf-algorithms: adapters  ## replay beside Syne Tune's simulator, overhead beside each library, equivalence with Optuna
	$(RUN) -m tests.perf.replay --out results/reference
	$(RUN) -m tests.perf.equivalence --out results/reference
	$(RUN) -m tests.perf.suggestions --out results/reference

gpu-carry: setup  ## prepare CARRIED for a machine with a GPU and no network: Fashion-MNIST of DATA, WHEELS, KERNELS
	$(RUN) -m tests.perf.gpu carry --to $(call quote,CARRIED) --data $(call quote,DATA) --wheels $(WHEELS) $(if $(KERNELS),--kernels $(call quote,KERNELS))

gpu-first:  ## on that machine, by PYTHON itself: does everything work; at most 430 s, OUT/first.json
	$(PYTHON) -m tests.perf.gpu session first --carried $(call quote,CARRIED) --out $(call quote,OUT) $(GPU_OPTIONS)

gpu-second:  ## likewise: how fast is it; at most 300 s, OUT/second.json
	$(PYTHON) -m tests.perf.gpu session second --carried $(call quote,CARRIED) --out $(call quote,OUT) $(GPU_OPTIONS)

clean:  ## remove .venv and caches; results and data stay
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .benchmarks results/.smoke
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
