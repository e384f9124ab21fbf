.PHONY: setup run test check bench screenshots tables texts lock
.NOTPARALLEL:

# Everything is by relative path, so that a checkout in a folder with spaces works.

setup: # .venv with the command `storebridge`; nothing to do when nothing changed
	@scripts/setup.sh

run: setup # the bridge with a sandbox store and marketplace: make run ARGS="--port 9000"
	@exec .venv/bin/storebridge run $(ARGS)

check: setup # format, lint, types, layers: every warning is an error
	@scripts/check.sh

test: setup # the tests, and beside them the checks: make test ARGS="tests/unit --db sqlite"; STRICT=1: a skip is a failure
	@exec scripts/test.sh $(ARGS)

bench: setup # every benchmark, or one: make bench ARGS="ingest --json"
	@exec .venv/bin/storebridge bench $(ARGS)

screenshots: setup # every page in every frame into docs/images, and docs/gallery.md (needs Chromium; takes some minutes)
	@exec .venv/bin/python scripts/screenshots.py $(ARGS)

tables: setup # the tables in the READMEs anew, from manifests and quality.toml
	@exec .venv/bin/python scripts/tables.py

texts: setup # the catalogues of what the pages say anew, from templates, Python and manifests (docs/languages.md)
	@exec .venv/bin/python scripts/texts.py

lock: # the locks anew from pyproject.toml: make lock ARGS="--upgrade"
	@scripts/lock.sh $(ARGS)
