# `make help` lists what a person can ask for.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= -n 3 --no-loadscope-reorder # of the tests, which wait a good part of their time; WORKERS= runs them one after the other

.DEFAULT_GOAL := help
.PHONY: secrets admin help setup spark demo test coverage compose-test check fix sbom licences secret-scan audit-packages supply-chain bench bench-matching soak restore-test requirements lock schemas feeds signals clean

help: ## what you can ask for
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: $(VENV)/.ready ## the virtual environment with the pinned requirements

$(VENV)/.ready: requirements-pip.txt requirements.txt requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
		|| { echo "Family Exchange needs Python 3.11, 3.12 or 3.13; set PYTHON=/path/to/python3.11"; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "Python's venv module is missing: apt-get install python3-venv"; exit 2; }
	@command -v gpg >/dev/null || { echo "gpg is missing: apt-get install gnupg"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-virtualenv --require-hashes -r requirements-pip.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-virtualenv --require-hashes \
		-r requirements.txt -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup ## the main job: the whole journey with a real Airflow, on this machine (ARGS="--stay" to look around)
	$(BIN)/family-exchange demo $(ARGS)

$(VENV)/.spark: $(VENV)/.ready requirements-spark.txt
	rm -rf $(VENV)/spark
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-virtualenv --target $(VENV)/spark \
		-r requirements-spark.txt
	@touch $@

spark: $(VENV)/.spark ## what matching on Spark needs besides Java 17: half a gigabyte

test: setup $(VENV)/.spark ## every test
	$(BIN)/python tests/support/bare_machine.py
	$(BIN)/pytest $(WORKERS) $(ARGS)

coverage: setup $(VENV)/.spark ## every test, and which lines none of them runs; slower
	$(BIN)/pytest $(WORKERS) --cov --cov-report=term:skip-covered $(ARGS)

compose-test: setup ## the compose file for real: built, started, the journey inside it, then broken on purpose (takes root)
	ARGS="$(ARGS)" bash tests/compose/run.sh

check: setup ## format, lint, strict types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: setup ## what the tools can mend by themselves
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

sbom: setup ## build/sbom.cdx.json: every package that runs, with version, licence and hashes, in CycloneDX's form
	PYTHONPATH=include:tests $(BIN)/python -m support.sbom

licences: setup ## whether every package may be used as we use it (deploy/licences.toml)
	PYTHONPATH=include:tests $(BIN)/python -m support.licences

secret-scan: setup ## whether a key or a password stands in a file that git knows (deploy/not-secrets.toml)
	PYTHONPATH=include:tests $(BIN)/python -m support.secret_scan

audit-packages: setup ## whether an advisory source knows a hole in what is pinned; 3 when none could be asked
	PYTHONPATH=include:tests $(BIN)/python -m support.audit_packages

supply-chain: sbom ## all of these, the rules for deadly lines, and what is pinned
	$(BIN)/ruff check --quiet --select S,DTZ,PTH .
	$(BIN)/pytest -q tests/test_deadly_sins.py tests/supply_chain tests/adapters/test_doctor_versions.py
	@PYTHONPATH=include:tests $(BIN)/python -m support.audit_packages; ended=$$?; [ $$ended -eq 0 ] || [ $$ended -eq 3 ]

bench: setup ## measured speed, as ratios to references in the same run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-virtualenv --no-deps -r requirements-bench.txt
	$(BIN)/pytest -q tests/benchmarks --benchmark-only $(ARGS)

bench-matching: setup ## how well people are matched, beside recordlinkage and a simple rule on the same records
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-virtualenv --no-deps -r requirements-bench.txt
	$(BIN)/pytest -q tests/benchmarks/test_matching.py --benchmark-only --benchmark-columns=median $(ARGS)

restore-test: setup ## the drill: a council at work, its disk lost, restored to a minute before (ARGS="--people 20000" for a larger one)
	$(BIN)/python -m family_exchange.demo.drill $(ARGS)

soak: setup ## 10,000 small files with things going wrong all the while (ARGS="--files 500" for fewer)
	PYTHONPATH=include:tests $(BIN)/python -m support.soak $(ARGS)

requirements: setup ## every requirement against the tests that prove it
	$(BIN)/python -m family_exchange.adapters.requirements

schemas: setup ## JSON Schemas of profiles, contracts, frameworks and returns, for editors
	$(BIN)/python -m family_exchange.adapters.schemas

feeds: setup ## docs/feeds: what partners read of each feed, from contracts and suites
	$(BIN)/python -m family_exchange.adapters.feed_pages

secrets: ## what docker-compose.yml needs as secrets, into ./secrets or SECRETS=; keeps what is there (as root: see docs/compose.md)
	@docker/make-secrets.sh $(or $(SECRETS),secrets)

admin: ## the first administrator of the composed Airflow, or another; NAME= says who, the password is shown this once
	docker compose run --rm -T init python /opt/family-exchange/docker/people.py add $(or $(NAME),$(error say NAME=)) --role Admin --generate

signals: setup ## deploy/: rules of alerts for Prometheus and the dashboard for Grafana
	$(BIN)/python -m family_exchange.adapters.signals

lock: ## requirements*.txt anew from the .in files (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --no-header --generate-hashes requirements-pip.in -o requirements-pip.txt
	uv pip compile --quiet --universal --python-version 3.11 --no-header --generate-hashes requirements.in -o requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --no-header --generate-hashes requirements-dev.in -o requirements-dev.txt
	uv pip compile --quiet --universal --python-version 3.11 --no-header --generate-hashes requirements-spark.in -o requirements-spark.txt
	uv pip compile --quiet --universal --python-version 3.11 --no-header --generate-hashes requirements-kubernetes.in -o requirements-kubernetes.txt

clean: ## forget the virtual environment and every cache
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .benchmarks
