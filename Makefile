# make run: everything that one machine needs, in the foreground. Ctrl-C stops it.
.POSIX:
.PHONY: run test check bench format dev
.SUFFIXES:

VENV = .venv
PYTHON = $(VENV)/bin/python

run: $(VENV)/.runtime
	@exec $(PYTHON) manage.py run

test: dev
	$(PYTHON) -m pytest

check: dev
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	$(VENV)/bin/lint-imports
	$(PYTHON) manage.py makemigrations --check --dry-run
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
