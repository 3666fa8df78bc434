# make run: everything that one machine needs, in the foreground. Ctrl-C stops it.
.POSIX:
.PHONY: run test check check-format check-lint check-types check-imports check-migrations check-deploy bench bench-cluster format dev dev-cluster dev-spark services-up services-down
.SUFFIXES:

VENV = .venv
PYTHON = $(VENV)/bin/python

run: $(VENV)/.runtime
	@exec $(PYTHON) manage.py run

# Two processes for each core: tests wait for the disk and for other processes half of the time.
test: dev
	POLARS_MAX_THREADS=1 $(PYTHON) -m pytest -n $$($(PYTHON) -c "import os; print(2 * (os.cpu_count() or 1))") --maxprocesses 8 --dist worksteal --durations=20

# `make -k check` goes on after a failure.
check: check-format check-lint check-types check-imports check-migrations check-deploy

check-format: dev
	$(PYTHON) -m ruff format --check --quiet .

check-lint: dev
	$(PYTHON) -m ruff check .

check-types: dev
	$(PYTHON) -m mypy

check-imports: dev
	$(VENV)/bin/lint-imports

check-migrations: dev
	$(PYTHON) manage.py makemigrations --check --dry-run

check-deploy: dev
	HITSTREAM_URL=https://stats.example.org HITSTREAM_TRUSTED_PROXIES=127.0.0.1 \
		$(PYTHON) manage.py check --deploy --fail-level WARNING

bench: dev
	$(PYTHON) -m bench

# Needs Java, Maven, redis-server, postgresql and wrk.
bench-cluster: dev-spark
	@sh tests/services/packages.sh
	$(PYTHON) -m bench.cluster

format: dev
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

dev: $(VENV)/.dev

# What the tests marked kafka, cassandra, redis and postgres need besides; Spark's are half a gigabyte more.
dev-cluster: dev $(VENV)/.cluster

dev-spark: dev-cluster $(VENV)/.spark

# The servers themselves, on 127.0.0.1: make services-up SERVICES="kafka redis"
services-up: dev
	@sh tests/services/packages.sh
	$(PYTHON) -m tests.services up $(SERVICES)

services-down: dev
	$(PYTHON) -m tests.services down $(SERVICES)

$(VENV)/.runtime: requirements.txt deploy/venv.sh
	@sh deploy/venv.sh $(VENV) requirements.txt .runtime

$(VENV)/.dev: requirements-dev.txt deploy/venv.sh
	@sh deploy/venv.sh $(VENV) requirements-dev.txt .dev

$(VENV)/.cluster: requirements-cluster.txt deploy/venv.sh
	@sh deploy/venv.sh $(VENV) requirements-cluster.txt .cluster

$(VENV)/.spark: requirements-spark.txt deploy/venv.sh
	@sh deploy/venv.sh $(VENV) requirements-spark.txt .spark
