# Each target sets up what it needs in .venv, once: Python 3.10 to 3.13 and make suffice.
# Another interpreter: make PYTHON=/path/to/python3 TARGET

.PHONY: help reproduce tune test lint docs bench bench-gpu clean
.DELETE_ON_ERROR:

FITS := import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))
NAMES := python3.13 python3.12 python3.11 python3.10 python3
PYTHON ?= $(firstword $(foreach name,$(NAMES), \
	$(shell $(name) -c '$(FITS)' 2>/dev/null && echo $(name))))
RUN := .venv/bin/python

help:
	@echo "make reproduce   the papers' figures and claims at quick scale, in half an hour"
	@echo "make tune        a search by a chief and WORKERS=2; FLAGS of launch.tune"
	@echo "make test        all tests"
	@echo "make lint        format, lint and types"
	@echo "make docs        these pages: docs/_build/html/index.html"
	@echo "make bench       speed beside PyTorch, JAX and Keras"
	@echo "make bench-gpu   the same on a GPU, as one table in results/bench_gpu.md"
	@echo "make clean       remove .venv and caches, never results"

reproduce: .venv/.installed-library
	$(RUN) -m launch.reproduce --suite=quick --output_dir=results/quick

WORKERS ?= 2
FLAGS ?= --dataset=digits --model=mlp

tune: .venv/.installed-library
	$(RUN) -m launch.tune_cluster --num_workers=$(WORKERS) -- $(FLAGS)

test: .venv/.installed-dev
	$(RUN) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: .venv/.installed-dev
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

docs: .venv/.installed-docs
	TF_CPP_MIN_LOG_LEVEL=3 $(RUN) -m sphinx -q -W --keep-going docs docs/_build/html
	@echo "Open docs/_build/html/index.html"

bench: .venv/.installed-bench
	$(RUN) -m benchmarks.ensemble
	$(RUN) -m benchmarks.ghost_batch_norm
	$(RUN) -m benchmarks.train_step
	$(RUN) -m benchmarks.tuning
	$(RUN) -m benchmarks.curvature
	$(RUN) -m benchmarks.callbacks

bench-gpu: .venv/.installed-bench
	$(RUN) -m benchmarks.gpu

# The part after the dash is an extra of setup.cfg, or "library" for none.
.venv/.installed-%: setup.cfg setup.py pyproject.toml constraints.txt
	@"$(PYTHON)" -c '$(FITS)' 2>/dev/null || { echo "No Python 3.10 to 3.13 found:" \
		"install one, or name it with make PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) has no" \
		"ensurepip: install python3-venv (apt install python3-venv)" >&2; exit 1; }
	@echo "Setting up .venv with $(PYTHON): a few minutes, once"
	@$(RUN) -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv --clear .venv
	@$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt \
		-e '.$(if $(filter-out library,$*),[$*])'
	@touch $@

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache build docs/_build *.egg-info
	find bsgen launch tests benchmarks -name __pycache__ -prune -exec rm -rf {} +
