# `make run` needs nothing but Linux, Python 3.11 or newer and (for what is missing) root or sudo.
PORT ?= 8000
.PHONY: run stop

# The whole product on this machine: http://127.0.0.1:8000/, or `make run PORT=9000`. Ctrl-C ends it; data stays in .local.
# REPLICA=1 adds a second MariaDB that gives lists, and all reads while the first is down; REPLICA_DELAY=3 keeps it 3 s behind.
run:
	@./ops/setup.sh
	@exec .venv/bin/python -m ops.run --port $(PORT) $(if $(filter-out 0,$(REPLICA)),--replica --replica-delay $(or $(REPLICA_DELAY),0))

# Ends it from another terminal, also after its parent was killed.
stop:
	@if [ -x .venv/bin/python ]; then exec .venv/bin/python -m ops.stop; else echo "Not running."; fi

# --- check, test, prove, bench: below this line ---
.PHONY: check test prove tools tools-and-browser

PYTHON := .venv/bin/python

tools:
	@./ops/setup.sh --tests

tools-and-browser:
	@./ops/setup.sh --browser

# Under a minute: format, lint, types, and the tests that need nothing running.
check: tools
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	$(PYTHON) -m pytest -q tests/unit tests/web

# Everything, on real parts, in three lanes side by side; about 21 minutes on two cores (15 are the goal). Long proofs run small.
test: tools-and-browser
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	$(PYTHON) -m tests.side_by_side

# The long proofs at full size, appended to bench/PROOFS.md. Stopped, it goes on where it was.
prove: tools
	$(PYTHON) -m bench.prove $(PROOF)

# Pictures of every page, light, dark, wide and at 320 px, into docs/images/all (not kept by git); the README's beside it.
.PHONY: shots
shots: tools-and-browser
	$(PYTHON) -m tests.e2e.shots

# Every ratio against its yardstick, about a minute; written to bench/RESULTS.md. BENCH="router import" runs only these.
# BENCH=gallery-pages loads a million images first: four to eight minutes, and only when it is asked for.
.PHONY: bench
bench: tools
	$(PYTHON) -m bench.run $(BENCH)
