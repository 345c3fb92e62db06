# Two commands for a new user: `make demo` and `make test`. Everything they need, they set up.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check interop objects bench fuzz lock setup clean help

help:                      ## what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:[^#]*##/\t/'

setup: .venv/.ready        ## a virtual environment with everything, and bubblewrap

.venv/.ready: requirements/bootstrap.txt requirements/build.txt requirements/dev.txt pyproject.toml tools/setup.sh
	@sh tools/setup.sh "$(PYTHON)"

demo: setup                ## two operators rebuild five wheels of PyPI; a consumer asks both
	@$(BIN)/python tools/demo.py

test: setup                ## every test
	@$(BIN)/python -m pytest -q -n 2

check: setup               ## lint, types, import contracts, docs
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m tests.everywhere.typed
	@$(BIN)/lint-imports
	@$(BIN)/sphinx-build -q -W -b html docs docs/_build

interop: setup             ## our logs by Go's code, our proxy by Poetry, our SARIF by its schema and Microsoft's validator; gets them first (150 MB)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r requirements/interop.txt
	@$(BIN)/python -m pytest -q -m go tests/interop
	@sh tools/sarif_multitool.sh .venv/sarif || echo "interop: the SARIF Multitool cannot be had; its tests are skipped" >&2
	@SARIF_MULTITOOL=$(CURDIR)/.venv/sarif/Sarif.Multitool $(BIN)/python -m pytest -q -rs tests/interop/test_sarif.py
	@test -x .venv/poetry/bin/poetry || $(BIN)/uv venv --quiet --python $(BIN)/python .venv/poetry
	@$(BIN)/uv pip install --quiet --python .venv/poetry/bin/python --require-hashes -r requirements/poetry.txt
	@TEST_POETRY=$(CURDIR)/.venv/poetry/bin/poetry $(BIN)/python -m pytest -q tests/integration/test_proxy_installers.py -k poetry

objects: setup             ## pushes to a server that speaks S3; gets it from PyPI (60 MB) first
	@test -x .venv/s3/bin/python || $(BIN)/uv venv --quiet --python $(BIN)/python .venv/s3
	@$(BIN)/uv pip install --quiet --python .venv/s3/bin/python --require-hashes -r requirements/s3.txt
	@$(BIN)/python -m pytest -q tests/contract/test_destinations.py tests/integration/test_push_killed.py

bench: setup               ## our rebuild beside uv build and pip wheel, the static check beside unpacking, the log, a check of 500 pins
	@$(BIN)/python tools/bench.py

SECONDS ?= 60
fuzz: setup                ## each reader of archives and their texts against bytes made up, SECONDS for each
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/fuzz.txt
	@for target in archive container fields about record sdist; do \
		echo "fuzzing $$target" && $(BIN)/python -m tests.fuzz.run $$target --seconds $(SECONDS) || exit 1; done

lock: setup                ## new hash-pinned requirements, without any index address in them
	@sh tools/lock.sh

clean:
	rm -rf .venv build dist docs/_build
