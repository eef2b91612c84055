.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PORT ?= 8000
# processes that run tests side by side: on two cores three, since much of the time tests wait for other processes
JOBS ?= 3
LOCKING := --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

.PHONY: help install run browser test check sbom audit wheel editor format lock bench soak clean

help: ## this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

install: $(STAMP) ## .venv with everything that running and testing need, from the lock

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Hookline needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; name another with: make PYTHON=python3.12 …" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

run: install ## the server on http://127.0.0.1:8000 with the starter workflows
	$(BIN)/hookline serve --workflows workflows --data .hookline --port $(PORT)

browser: install
	@command -v chromium > /dev/null || $(BIN)/playwright install chromium  # Debian's where there is one

test: install check browser ## lint, types, import contracts and all tests
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

check: install ## lint, types and import contracts alone
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hookline check workflows
	$(BIN)/hookline test workflows
	web/editor/check.sh
	$(MAKE) --no-print-directory sbom audit

sbom: install ## dist/hookline.cdx.json: what a server is made of, as CycloneDX, from the lock
	@mkdir -p dist
	@$(BIN)/python -W ignore -m cyclonedx_py requirements --pyproject pyproject.toml --mc-type application --output-reproducible --output-file dist/hookline.cdx.json requirements-server.lock

audit: install ## the lock against the known vulnerabilities, where their database can be reached
	@$(BIN)/python -m tests.packaging.audit

wheel: install ## dist/hookline-*.whl, to be installed anywhere
	$(BIN)/python -m hatchling build --directory dist

editor: ## web/static/editor anew from web/editor (needs Node 20 and a network)
	cd web/editor && npm ci --no-audit --no-fund && npm run check && npm test && npm run build

format: install ## the formatter and the linter's safe mends
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: install ## requirements*.lock anew from pyproject.toml (needs a network)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile $(LOCKING) --group dev --output-file requirements.lock pyproject.toml
	$(BIN)/uv pip compile $(LOCKING) --all-extras --constraint requirements.lock --output-file requirements-server.lock pyproject.toml
	$(BIN)/uv pip compile $(LOCKING) --group build --constraint requirements.lock --output-file requirements-build.lock

bench: install ## speed, latency, memory, start, growth and PostgreSQL beside bare endpoints, with targets (16 min; ARGS=--quick: 2 min)
	$(BIN)/python -m tests.bench $(ARGS)

soak: install ## kills, full disks and bad destinations under load, then the account of every event; then random runs killed everywhere (15 min)
	$(BIN)/python -m tests.crash.soak --minutes 10 $(ARGS)
	$(BIN)/python -m tests.nodes --seconds 180
	HOOKLINE_DETERMINISM_EXAMPLES=100 $(BIN)/python -m pytest -q --timeout 3600 tests/engine/test_determinism.py

clean: ## the environment and all caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
