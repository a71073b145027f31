# `make run` and `make test` need Python 3.11 or later, make and a network; everything else is fetched.
PYTHON ?= python3
VENV := .venv/bin
# DEMO=0 starts empty; PORT is where the pages are served.
# Tests wait for brokers and browsers more than they compute. Each process has its own stores.
TEST_PROCESSES ?= 3
DEMO ?= 1
PORT ?= 8080
export DEMO PORT
# Six processes load the same packages. Compiled files are kept beside them, whatever the environment sets.
PYTHONDONTWRITEBYTECODE :=
PYTHONPYCACHEPREFIX := $(CURDIR)/.venv/pycache
export PYTHONDONTWRITEBYTECODE PYTHONPYCACHEPREFIX

.PHONY: help run stores wipe test test-unit test-long test-tools properties mutations chaos chaos-apart chaos-short handover handover-short disaster check alerts format lock schemas vectors contract contract-check contract-publish docs bench bench-smoke bench-journey bench-scale conformance

help:
	@echo "make run            start everything here (DEMO=0 without invented people, PORT=8080)"
	@echo "make stores         start broker and database of runs alone, such as for a restore"
	@echo "make wipe           remove the stored data of runs from .linkwork"
	@echo "make test           run unit, integration and system tests on a real broker and database"
	@echo "make test-unit      run the tests of decisions and folds alone, in seconds"
	@echo "make test-tools     run the tests of bench, chaos, demo and mutations"
	@echo "make check          check lint, formatting, types and import contracts"
	@echo "make alerts         test the alert rules with promtool"
	@echo "make properties     test 100,000 generated journeys for each service, in half an hour"
	@echo "make mutations      remove each safeguard and see which test notices (ONLY=lease)"
	@echo "make chaos          strike a running system for 15 minutes and count losses"
	@echo "make chaos-apart    strike with one fault at a time and measure the wait after each"
	@echo "make chaos-short    strike with each fault once or twice, in six minutes (SEED=1)"
	@echo "make handover       hand booking over and back ten times while participants die, in 25 minutes"
	@echo "make handover-short hand it over and back once, in two minutes (PARTNER=py)"
	@echo "make disaster       lose all databases under load, and go on from a back-up and the log"
	@echo "make bench          measure speed, latency, catch-up, growth (ONLY=kernel, SIZE=long)"
	@echo "make bench-smoke    check in a minute that each measurement works"
	@echo "make bench-journey  measure the time from a referral to its meeting, at 20 a second"
	@echo "make bench-scale    measure 1, 2, 4 replicas of each service (SIZE=localities: 8, 50, 200 localities)"
	@echo "make conformance    try our parts and the examples against the contract (PARTS=booking, ONLY=BOOK-3, SEED=1, REPORTS=folder)"
	@echo "make format         format the code"
	@echo "make lock           update the lock files from pyproject.toml and package.json"
	@echo "make docs           write docs/settings.md and docs/metrics.md from the code"
	@echo "make schemas        write the published schemas from the models"
	@echo "make vectors        write the vectors of fold and log from their tests"
	@echo "make contract-check compare the contract with the last published version"
	@echo "make contract-publish write the published version, if that is allowed"
	@echo "make contract       write the schemas and the record of all that partners build on"

run:
	@$(PYTHON) deploy/bootstrap.py local
	@$(VENV)/python -m deploy.local

# For what is done while no service runs, such as a restore.
stores:
	@$(PYTHON) deploy/bootstrap.py local
	@$(VENV)/python -m deploy.local stores

wipe:
	@$(PYTHON) -m deploy.local.wipe

test:
	@$(PYTHON) deploy/bootstrap.py dev
	@$(VENV)/python -m deploy.local.assets
	$(VENV)/python -m pytest -n $(TEST_PROCESSES) -m "not long" tests/unit tests/integration tests/system

# An answer while one writes: a fifth of the examples.
test-unit:
	@$(PYTHON) deploy/bootstrap.py dev
	HYPOTHESIS_PROFILE=quick $(VENV)/python -m pytest -n 2 tests/unit

# Processes killed and rebuilt under load, for minutes each.
test-long:
	@$(PYTHON) deploy/bootstrap.py dev
	@$(VENV)/python -m deploy.local.assets
	$(VENV)/python -m pytest -n 2 -m long tests/integration tests/system

# Tests of the tools: bench, chaos, demo, mutations; and of keys in a PKCS#11 token, which need SoftHSM.
test-tools:
	@$(PYTHON) deploy/bootstrap.py dev
	$(VENV)/python -m pytest -n 2 tests/tools

# Beyond the time of `make test`: 100,000 journeys through each service's fold, 3,000 localities at rest,
# 1,000 longer histories of the kernel's state machine. Half an hour on two idle cores.
PROPERTIES := tests/unit/history/test_services.py tests/unit/matching/test_at_rest.py tests/unit/delivery/test_machine.py \
	tests/integration/delivery/test_unreadable.py
properties:
	@$(PYTHON) deploy/bootstrap.py dev
	HYPOTHESIS_PROFILE=properties $(VENV)/python -m pytest -n $(TEST_PROCESSES) --durations=10 $(PROPERTIES)

mutations:
	@$(PYTHON) deploy/bootstrap.py dev
	$(VENV)/python -m tests.tools.mutations.mutations $(if $(ONLY),"$(ONLY)")

check:
	@$(PYTHON) deploy/bootstrap.py dev
	$(VENV)/ruff check
	$(VENV)/ruff format --check
	$(VENV)/mypy
	$(VENV)/lint-imports --no-logo

# Kills, pauses, cuts off and fills up a system under load, and recounts from outside (docs/reliability.md).
# RATE is referrals a second. Beside the faults two cores admit some 450 events of partners a second, and a
# referral has seven.
SEED ?= 1
RATE ?= 30
LOCALITIES ?= 8
MINUTES ?= 19
# A machine that takes seconds to start a service needs REST between strikes, or starts services all the time.
REST ?= 0
TIMES ?= 20
chaos:
	@$(PYTHON) deploy/bootstrap.py dev
	@$(VENV)/python -m chaos --times $(TIMES) --rate $(RATE) --localities $(LOCALITIES) \
		--minutes $(MINUTES) --rest $(REST) --seed $(SEED) --write docs/reliability.md

# Some faults, one at a time with rest between: the longest wait that each causes.
chaos-apart:
	@$(PYTHON) deploy/bootstrap.py dev
	@$(VENV)/python -m chaos --times 6 --rate $(RATE) --localities $(LOCALITIES) --apart 9 \
		--only "killed,steps down" --seed $(SEED) --write docs/reliability.md

# A slow machine may not have the time for each fault twice. Once each is enough, and the report says so. At more
# referrals a second, two cores that also start the struck services anew fall behind for minutes.
chaos-short:
	@$(PYTHON) deploy/bootstrap.py dev
	@$(VENV)/python -m chaos --times 2 --at-least 1 --rate 20 --localities 4 --minutes 4 --seed $(SEED)

# Booking of one locality goes to a partner and comes back, under load (docs/reliability.md). PARTNER=js is
# examples/booking-js, py the partner of the tests.
PARTNER ?= js
handover:
	@$(PYTHON) deploy/bootstrap.py dev
	@npm ci --silent --no-audit --no-fund --prefix examples/booking-js
	@$(VENV)/python -m chaos.handover --rounds 10 --partner $(PARTNER) --seed $(SEED) --write docs/reliability.md

handover-short:
	@$(PYTHON) deploy/bootstrap.py dev
	@[ "$(PARTNER)" = py ] || npm ci --silent --no-audit --no-fund --prefix examples/booking-js
	@$(VENV)/python -m chaos.handover --short --partner $(PARTNER) --seed $(SEED)

disaster:
	@$(PYTHON) deploy/bootstrap.py dev
	$(VENV)/python -m pytest -m long tests/integration/rebuild/test_restored_services.py

# ONLY=kernel,page measures these parts; SIZE=long has the kernel grow to 1,000,000 records (docs/performance.md).
SIZE ?= usual
bench:
	@$(PYTHON) deploy/bootstrap.py dev
	@$(VENV)/python -m deploy.local.assets
	@$(VENV)/python -m bench --size $(SIZE) --only "$(ONLY)"

bench-smoke:
	@$(PYTHON) deploy/bootstrap.py dev
	@$(VENV)/python -m deploy.local.assets
	@$(VENV)/python -m bench --size smoke --only "$(ONLY)"

bench-journey:
	@$(PYTHON) deploy/bootstrap.py dev
	@$(VENV)/python -m deploy.local.assets
	@$(VENV)/python -m bench.journey

# SIZE=localities: a system at rest with 8, 50 and 200 localities. SIZE=smoke: whether replicas can be measured.
bench-scale:
	@$(PYTHON) deploy/bootstrap.py dev
	@$(VENV)/python -m deploy.local.assets
	@$(VENV)/python -m bench --size $(if $(filter localities,$(SIZE)),usual,$(SIZE)) \
		--only $(if $(filter localities,$(SIZE)),localities,replicas)

# Each of our six parts and of the examples, beside a kit that plays all others (docs/adr/0122-the-conformance-kit.md).
# PARTS: some of booking-js, booking, intake-java, evaluation, referral, notifications, casework, directory.
conformance:
	@$(PYTHON) deploy/bootstrap.py dev
	@$(VENV)/python -m tests.harness.conformance $(PARTS) --seed $(SEED) $(if $(ONLY),--only $(ONLY)) \
		$(if $(REPORTS),--reports $(REPORTS)) $(if $(PATIENCE),--patience $(PATIENCE)) \
		$(if $(BESIDE),--beside $(BESIDE))

# Needs promtool, which comes with Prometheus.
alerts:
	promtool test rules deploy/prometheus/*_test.yml

format:
	$(VENV)/ruff check --fix
	$(VENV)/ruff format

COMPILE := $(VENV)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header
lock:
	@$(PYTHON) deploy/bootstrap.py dev
	$(COMPILE) pyproject.toml -o requirements/services.txt
	$(COMPILE) pyproject.toml --extra development -o requirements/development.txt
	$(COMPILE) pyproject.toml --extra development --extra local -o requirements/local.txt
	$(COMPILE) pyproject.toml --extra development --extra local --extra dev -o requirements/dev.txt
	$(COMPILE) requirements/bench.in -o requirements/bench.txt
	npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved
	npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved --prefix examples/partner-js
	npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved --prefix examples/booking-js
	npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved --prefix tests/harness/oidc

docs:
	$(VENV)/python -m deploy.documentation

schemas:
	$(VENV)/python -m shared.contract.events.schema
	$(VENV)/python -m shared.contract.api

# `--check` names the files that the code no longer produces and writes nothing.
vectors:
	$(VENV)/python -m tests.harness.history.vectors
	$(VENV)/python -m shared.contract.history.vectors --check
	$(VENV)/python -m shared.contract.stories

# Names each change that breaks whoever built on the published version: docs/contract/compatibility.md.
contract-check:
	@$(PYTHON) deploy/bootstrap.py dev
	@$(VENV)/python -m shared.contract.compatibility

contract-publish:
	@$(VENV)/python -m shared.contract.compatibility --publish

contract: schemas
	$(VENV)/python -m tests.harness.web.contract
