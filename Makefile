# The one door to every command; CI goes through it too. Each target sets up what it needs first, and is quick about it
# when there is nothing to do.
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: fuzz help serve test lint format bench soak lock image clients contestants gvisor engine clean

# The engine that the set-up found, for Docker's SDK as well.
with_engine = scripts/with-engine
venv = .venv/requirements.txt.installed
dev_venv = .venv/requirements-dev.txt.installed
# Tests wait for the engine half of the time: two files at a time use a second processor well.
at_once = --numprocesses 2 --dist loadfile
node = tests/node/node_modules/.package-lock.json

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

serve: $(venv) image ## run the service; the first time installs what it needs
	@exec $(with_engine) .venv/bin/sandlot serve $(ARGS)

test: $(dev_venv) $(node) image clients contestants gvisor lint ## lint, then run all tests; ARGS="-k name" goes to pytest
	$(with_engine) .venv/bin/python -m pytest $(at_once) $(ARGS)

lint: $(dev_venv) ## check style, formatting, types and the direction of imports
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports

format: $(dev_venv) ## format the code and mend what can be mended
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

fuzz: $(dev_venv) image ## look for faults with random input, longer than make test does
	FUZZ_SECONDS=$${FUZZ_SECONDS:-300} $(with_engine) .venv/bin/python -m pytest --hypothesis-profile=fuzz \
		-m 'hypothesis or fuzz' tests/api tests/runtime tests/fuzz $(ARGS)

bench: contestants ## measure, side by side with what one would use instead
	$(with_engine) .venv/bin/python -m bench $(ARGS)

soak: $(dev_venv) image ## what takes minutes: gigabytes with flat memory, and the like
	$(with_engine) .venv/bin/python -m pytest -s tests/soak/soak_*.py $(ARGS)

lock: $(dev_venv) ## write the lock files from pyproject.toml; ARGS=--upgrade takes newer releases
	scripts/lock $(ARGS)

image: engine ## build the sandbox image, if what it is made of has changed
	@images/build

clients: image $(dev_venv)
	@tests/images/clients/build

contestants: image $(dev_venv)
	@bench/images/swe-rex/build
	@scripts/haproxy

gvisor: engine
	@scripts/gvisor

engine:
	@scripts/engine

clean: ## remove what was set up here, but no data: the virtual environment, caches and images
	rm -rf .venv tests/node/node_modules .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	-docker image rm sandlot/swe-rex:latest sandlot/clients:latest sandlot/sandbox:latest sandlot/base:bookworm

.venv/%.installed: % pyproject.toml
	@scripts/venv $<

$(node): tests/node/package-lock.json $(dev_venv)
	@scripts/node
