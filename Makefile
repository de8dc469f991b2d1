# Every task a person runs here. Each does its own set-up; `make` alone lists them; ARGS="…" is handed on.
# Written for GNU make 3.81 and a POSIX shell, so that a Mac's own tools will do.

PYTHON_BIN = .venv/bin/python
SENDOKA = $(PYTHON_BIN) -m sendoka

# Loopback is never reached through a proxy. (`*` must stand alone to mean everything.)
comma = ,
LOOPBACK = localhost,127.0.0.1,::1
GIVEN := $(or $(NO_PROXY),$(no_proxy))
export NO_PROXY := $(if $(filter *,$(GIVEN)),*,$(LOOPBACK)$(if $(GIVEN),$(comma)$(GIVEN)))
export no_proxy := $(NO_PROXY)
# Hundreds of tests start the command line: without its byte code each would compile it anew.
unexport PYTHONDONTWRITEBYTECODE
# Files and programs are read as UTF-8, whatever LANG says.
export PYTHONUTF8 = 1

# The tests that are a part of `make check`; `make check test` runs them once, among all the others.
CHECKS = tests/unit/test_layers.py tests/unit/test_public_names.py tests/unit/test_docs.py

.PHONY: help setup demo test soak test-peers check docs bench dev db-push db-generate db-migrate db-status backfill clean

help: ## list these tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile

setup: ## make .venv and install everything into it (the other tasks do this by themselves)
	@.ci/setup

demo: setup ## show the whole road on a temporary local Postgres, in half a minute
	@$(PYTHON_BIN) docs/demo.py

test: setup ## run every test, on a real PostgreSQL in a few processes, in about eight minutes
	@$(PYTHON_BIN) -m pytest -n auto --maxprocesses 4 --dist worksteal $(ARGS)

soak: setup ## run the tests with twenty times the seeds, rows and connections, for hours: make soak ARGS="tests/conformance"
	@echo "$${SENDOKA_SOAK:-20} times what \`make test\` draws, of $(or $(ARGS),all tests). ARGS takes a part, as one of these:"
	@sed -n 's/^| `\(tests[^`]*\)` | \(.*\) | \(.*\) |$$/  \1: \2; \3/p' CONTRIBUTING.md
	@SENDOKA_SOAK=$${SENDOKA_SOAK:-20} $(PYTHON_BIN) -m pytest --durations=20 $(ARGS)

test-peers: setup ## run the tests against the npm peers; without node >= 20 they fail
	@SENDOKA_PEERS=require $(PYTHON_BIN) -m pytest -m peers $(ARGS)

check: setup ## lint, formatting, types, layers, docs, and the application's schema and migrations
	@$(PYTHON_BIN) -m ruff check .
	@$(PYTHON_BIN) -m ruff format --check --quiet .
	@$(PYTHON_BIN) -m mypy
	@$(if $(filter test,$(MAKECMDGOALS)),:,$(PYTHON_BIN) -m pytest -q $(CHECKS))
	@$(SENDOKA) check --replay

docs: setup ## write docs/errors.md, docs/hazards.md and docs/managed.md anew from the code
	@$(PYTHON_BIN) docs/errors.py
	@$(PYTHON_BIN) docs/hazards.py
	@$(PYTHON_BIN) docs/managed.py

bench: setup ## measure against the peers, and write benchmarks/RESULTS.md: make bench ARGS="decode"
	@test -z "$$(ls benchmarks/requirements.txt 2>/dev/null)" || $(PYTHON_BIN) -m pip install --quiet \
		--disable-pip-version-check --no-input -r benchmarks/requirements.txt
	@$(PYTHON_BIN) benchmarks/run.py $(ARGS)

dev: setup ## start the local endpoint and print its connection string
	@$(SENDOKA) dev $(ARGS)

db-push: setup ## bring a dev database to schema/, without a file: make db-push ARGS="--watch"
	@$(SENDOKA) push $(ARGS)

db-generate: setup ## write a migration from schema/: make db-generate NAME=add_widgets
	@$(SENDOKA) generate $(if $(NAME),--name "$(NAME)") $(ARGS)

db-migrate: setup ## apply the pending migrations to DATABASE_URL
	@$(SENDOKA) migrate $(ARGS)

db-status: setup ## show which migrations are applied and which are pending
	@$(SENDOKA) status $(ARGS)

backfill: setup ## run a backfill: make backfill NAME=2026_04_22_message_tenants
	@test -n "$(NAME)" || { echo "which one? make backfill NAME=…, one of: $$(ls backfill)" >&2; exit 2; }
	@$(SENDOKA) backfill run "$(NAME)" $(ARGS)

clean: ## remove what these tasks made, the data in .sendoka/ excepted
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist tests/peers/node_modules tests/peers/next/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
