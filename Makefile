# Everything a developer runs. It needs Python 3.11 or newer and make; the rest is installed into .venv on first use.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

export UV_VERSION := 0.13.9
EXTRAS := embedded perception eval train
BIN := .venv/bin
STAMP := .venv/.installed-for-livesteward
CODE := src agents prompts retrieval evals tests examples tools
DEMO_OUTPUT := demo-output
PYTEST_ARGS ?=
EVAL_ARGS ?=

.PHONY: help install demo test test-vllm eval check lint types imports wheel smoke format clean clean-venv

help: ## Say what there is
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## Make .venv with everything that tests and the demo need

$(STAMP): pyproject.toml uv.lock tools/bootstrap.sh
	tools/bootstrap.sh $(EXTRAS)
	touch $@

demo: $(STAMP) ## Watch the example streams and write what was decided to demo-output/
	$(BIN)/livesteward watch examples/streams --out $(DEMO_OUTPUT)
	@printf '%s\n' '' \
	  'The verdicts are in $(DEMO_OUTPUT)/. Try next:' \
	  '  $(BIN)/livesteward moderate examples/segments/scam.json         one segment, with the rule and the evidence' \
	  '  $(BIN)/livesteward policies show FRAUD-2.1 --region SG          a rule as it holds in Singapore' \
	  '  $(BIN)/livesteward init my-rules                                a folder of your own rules, prompts and thresholds' \
	  '  $(BIN)/livesteward doctor                                       what is installed, and what is missing'

test: $(STAMP) ## Run all tests
	$(BIN)/python -m pytest $(PYTEST_ARGS)

test-vllm: $(STAMP) ## Run the tests that need a real vLLM: LIVESTEWARD_ENGINE__VLLM=~/vllm/bin/vllm
	$(BIN)/python -m pytest tests/vllm $(PYTEST_ARGS)

eval: $(STAMP) ## Judge the golden split and ask the gates; reports are in .livesteward/runs/
	$(BIN)/livesteward eval run evals/golden --split golden $(EVAL_ARGS)

check: lint types imports wheel smoke ## Everything but the tests: style, types, import direction, the wheel

lint: $(STAMP) ## ruff: style and format
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)

types: $(STAMP) ## mypy in strict mode
	$(BIN)/mypy

imports: $(STAMP) ## Which part may import which, and what 'import livesteward' must not load
	$(BIN)/python -m pytest -q tests/unit/test_imports.py tests/unit/test_typing_links.py

wheel: $(STAMP) ## Build the wheel and compare it with the tree
	$(BIN)/python tools/check_wheel.py --out build/wheel

smoke: wheel ## Install the wheel with plain pip into a new environment and moderate with it
	$(BIN)/python tools/check_install.py build/wheel

format: $(STAMP) ## Let ruff mend style and format, and renew the links for type checkers
	$(BIN)/python tools/typing_links.py --write
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

clean: ## Remove what was built, and the caches of tools
	rm -rf build dist $(DEMO_OUTPUT) .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info src/*.egg-info
	find $(wildcard $(CODE)) -type d -name __pycache__ -prune -exec rm -rf {} +

clean-venv: ## Remove .venv too
	rm -rf .venv
