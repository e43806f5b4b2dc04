# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Needs Python 3.11 or newer, and git except for `make demo` and `make simulator`. Sets up everything else by itself, in .cache/ and .nox/.
# Arguments for the tool behind a target: make unit-2.21 ARGS="tests/unit/plugins -k signing"
# Several sessions at a time, each shown when it ends: make test JOBS=4

# The first Python that starts and is new enough; the PATH may hold shims that do not start.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.14 python3.11 python \
	$$(ls -d "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.1[1-4].*/bin/python3 2>/dev/null); do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)

NOX = $(if $(PYTHON),$(PYTHON),$(error No Python 3.11 or newer found. Name one: make PYTHON=/path/to/python3)) \
	tests/tooling/start.py
OPTIONS = $(if $(JOBS),--parallel $(JOBS)) $(if $(ARGS),-- $(ARGS))

.DEFAULT_GOAL := help
.PHONY: help list test demo bench simulator lint format unit e2e guides leaks sweep integration molecule sanity docs requirements clean

help: ## Show this list
	@sed -n 's/^\([a-z0-9]*\):.*## /\1: /p' $(MAKEFILE_LIST) | awk -F': ' '{printf "  make %-14s %s\n", $$1, $$2}'

list: ## List the single sessions; each is a target too, such as `make unit-2.21`
	@$(NOX) --list

test: ## Run every check
	@$(NOX) $(OPTIONS)

demo: ## See the collection at work against the simulator
	@$(NOX) --session demo $(OPTIONS)

bench: ## Measure how fast it is; ARGS="--whole --write" fills docs/performance.md
	@$(NOX) --session bench $(OPTIONS)

simulator: ## Start the simulator of both vendors, to try things by hand
	@$(NOX) --session simulator $(OPTIONS)

lint: ## Check style, types, YAML, licences, metadata and documentation
	@$(NOX) --session static $(OPTIONS)

format: ## Rewrite the Python files the way `make lint` wants them, and the lists in architecture.rst
	@$(NOX) --session format

unit: ## Run the unit tests on each ansible-core
	@$(NOX) --tags unit $(OPTIONS)

e2e: ## Run playbooks from the installed collection on each ansible-core
	@$(NOX) --tags e2e $(OPTIONS)

guides: ## Follow the guides to the letter
	@$(NOX) --session guides $(OPTIONS)

leaks: ## Search everything that runs leave behind for secrets, on each ansible-core
	@$(NOX) --tags leaks $(OPTIONS)

sweep: ## Run the long form of the sweeps and of the search for leaks; `make test` runs the short form
	@$(NOX) --tags sweep-long leaks-long $(OPTIONS)

integration: ## Run the integration targets on each ansible-core
	@$(NOX) --tags integration $(OPTIONS)

molecule: ## Run the scenarios of the roles with Molecule
	@$(NOX) --session molecule $(OPTIONS)

sanity: ## Run ansible-test sanity on each ansible-core
	@$(NOX) --tags sanity $(OPTIONS)

docs: ## Build the reference site in .cache/docs
	@$(NOX) --session docs

requirements: ## Pin the newest development dependencies
	@$(NOX) --session requirements

clean: ## Remove everything that the targets above have set up
	rm -rf .ansible .cache .hypothesis .mypy_cache .nox .pytest_cache .ruff_cache tests/output
	find . -name __pycache__ -prune -exec rm -rf {} +

# Any other name is the name of a session, except for the files that make looks for by itself.
Makefile: ;
%:
	@$(NOX) --session $@ $(OPTIONS)
