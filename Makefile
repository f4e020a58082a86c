# `make lab` opens the notebooks (with options: make lab ARGS=--no-browser), `make test` runs every check, and
# `make book` builds the book in _build/html (a small one: make book ARGS="--only 00 09"), and `make slides` the slides of
# five chapters in _build/slides (of some: make slides ARGS="00 03").
# All make their own environment in .venv first.

# The first Python that answers (a name on the path may be a shim without a Python behind it), new enough, with venv.
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3 python; do \
	$$name -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& { echo $$name; break; }; done)

.PHONY: lab test book slides format clean FORCE

lab: .venv/.installed
	.venv/bin/equibook lab $(ARGS)

test: .venv/.installed-test
	.venv/bin/python tests/run_all.py

book: .venv/.installed-book
	.venv/bin/python docs/book.py $(ARGS)

slides: .venv/.installed-book
	.venv/bin/python docs/slides.py $(ARGS)

format: .venv/.installed-test
	.venv/bin/python -m ruff check --fix
	.venv/bin/python -m ruff format

clean:
	rm -rf build dist _build .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find equibook tests notebooks docs -type d \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +

# One stamp per extra: the installation is redone when pyproject.toml or the environment is newer. For the tests Python
# compiles what it imports, and no more.
.venv/.installed: pyproject.toml .venv/pyvenv.cfg
	.venv/bin/python -m pip install --disable-pip-version-check -e .
	touch $@

.venv/.installed-test: pyproject.toml .venv/pyvenv.cfg
	.venv/bin/python -m pip install --disable-pip-version-check --no-compile -e '.[test]'
	touch $@ .venv/.installed

.venv/.installed-book: pyproject.toml .venv/pyvenv.cfg
	.venv/bin/python -m pip install --disable-pip-version-check -e '.[book]'
	touch $@ .venv/.installed

# Made anew when its Python is gone.
.venv/pyvenv.cfg: $(if $(shell .venv/bin/python -m pip --version 2>/dev/null),,FORCE)
	@python="$(PYTHON)"; \
	if [ -z "$$python" ]; then \
		echo "No working Python 3.11 or newer (with venv) is on the path." >&2; \
		echo "Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; \
		exit 1; \
	fi; \
	echo "$$python -m venv .venv"; \
	if .venv/bin/python -c '' 2>/dev/null; then "$$python" -m venv .venv; else "$$python" -m venv --clear .venv; fi
