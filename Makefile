PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
ONET ?= data/onet/30.1
DATA ?= ../shared/data

.PHONY: run test attack bench evaluate-redaction check fix train train-encoder train-names clean

run: .venv/installed  ## sample two quarters, run the line over them, report
	$(BIN)/worktally demo

test: .venv/installed  ## all tests
	$(BIN)/python -m pytest

attack: .venv/installed  ## a thousand random releases, each attacked; make test does fifty
	WORKTALLY_RANDOM_RELEASES=1000 $(BIN)/python -m pytest -k many_random_releases

bench: .venv/installed  ## speeds beside named peers; ONET=DIR is O*NET 30.1
	$(BIN)/python -m tests.bench.labelling --onet $(ONET)
	$(BIN)/python -m tests.bench.redaction
	$(BIN)/python -m tests.bench.disclosure 3000 20000

evaluate-redaction: .venv/installed  ## the figures of flows/redact/README.md; DATA=DIR is development data
	$(BIN)/python -m tests.bench.redaction_quality --data $(DATA)

check: .venv/installed  ## format, lint, types, import contracts, generated pages; changes nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.documents --check

fix: .venv/installed  ## what of it can be mended by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python -m tests.documents

train: .venv/installed  ## the classifiers from taxonomy/training; ONET=DIR is O*NET 30.1
	$(BIN)/python -m flows.train --onet $(ONET)

train-encoder: .venv/installed  ## the encoder's layers first, then the classifiers on them
	$(BIN)/python -m flows.train --onet $(ONET) --encoder

train-names: .venv/installed  ## the recognizer of names, from flows/train/names.jsonl
	$(BIN)/python -m flows.train.names

clean:
	rm -rf .venv data/work data/demo

.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@
