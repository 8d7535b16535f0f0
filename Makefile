# Everything Ringside needs is set up on demand: 'make run' and 'make test' work on a fresh machine
# that has Python 3.11 or newer, Node.js with npm, and make. Nothing is done twice: each step leaves
# a stamp in build/.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := build/stamps
export PYTHONPATH :=

.DEFAULT_GOAL := help
.PHONY: help run site test check bench fuzz figures clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' Makefile | awk -F'|' '{printf "  make %-8s %s\n", $$1, $$2}'

run: site ## set everything up and open the lab in your browser
	$(BIN)/ringside $(RINGSIDE)

site: $(STAMPS)/python $(STAMPS)/npm ## write the complete static site into build/site
	$(BIN)/python webapp/build/site.py

# The page's tests take longest. In the order of the folders they are among the first, so that at the
# end nobody waits for one long module.
test: check site $(STAMPS)/system $(STAMPS)/bench ## set everything up and run every test
	$(BIN)/pytest -n $(or $(JOBS),2) --dist loadscope --no-loadscope-reorder -m "not fuzz" $(PYTEST)

check: $(STAMPS)/python ## style, types and import directions
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: site $(STAMPS)/system $(STAMPS)/bench ## instructions per second, in CPython and in Pyodide; the page's start
	@echo CPython
	@$(BIN)/ringside bench
	@$(BIN)/ringside bench --bulk
	@node webapp/build/bench.mjs
	@echo "The page in Chromium"
	@$(BIN)/python webapp/build/startup.py

fuzz: $(STAMPS)/python $(STAMPS)/system ## long random comparisons with the oracles
	$(BIN)/python tests/oracles/fuzz_unicorn.py --cases $(or $(CASES),200000)
	$(BIN)/pytest -m fuzz $(PYTEST)

figures: $(STAMPS)/python ## draw the picture in the README again
	$(BIN)/ringside figure rings --guest cli_sti --technique trap-and-emulate --step 82 -o docs/rings.svg

clean: ## remove everything that was built or installed here
	rm -rf build $(VENV) node_modules

$(STAMPS)/python: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Ringside needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[desktop,test]'
	@mkdir -p $(STAMPS) && touch $@

# pycachesim is compiled as it is installed; where that fails its comparisons are left out.
$(STAMPS)/bench: $(STAMPS)/python
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[bench]' >$(STAMPS)/bench.log 2>&1 \
	  || echo "pycachesim cannot be built here (it needs a C compiler and Python's headers, see" \
	          "$(STAMPS)/bench.log): comparisons with it are left out." >&2
	@touch $@

$(STAMPS)/npm: package.json package-lock.json
	npm ci --no-audit --no-fund --loglevel=error
	@mkdir -p $(STAMPS) && touch $@

# Chromium, Bochs and Valgrind come from the system. Where they are missing and apt-get is allowed
# they are installed; without Bochs or Valgrind their tests are skipped, without Chromium the browser tests say so.
$(STAMPS)/system:
	@sh webapp/build/system.sh
	@mkdir -p $(STAMPS) && touch $@
