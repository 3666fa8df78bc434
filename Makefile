# make run: everything that one machine needs, in the foreground. Ctrl-C stops it.
.POSIX:
.PHONY: run test check check-format check-lint check-types check-imports check-migrations check-deploy bench format dev
.SUFFIXES:

VENV = .venv
PYTHON = $(VENV)/bin/python

run: $(VENV)/.runtime
	@exec $(PYTHON) manage.py run

test: dev
	$(PYTHON) -m pytest

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

format: dev
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

dev: $(VENV)/.dev

$(VENV)/.runtime: requirements.txt deploy/venv.sh
	@sh deploy/venv.sh $(VENV) requirements.txt .runtime

$(VENV)/.dev: requirements-dev.txt deploy/venv.sh
	@sh deploy/venv.sh $(VENV) requirements-dev.txt .dev
