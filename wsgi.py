"""The door for gunicorn where the web server runs by itself: ``gunicorn --worker-class gthread --threads 8 wsgi:app``.

Settings come from the environment. On SQLite run one process; `storebridge run` does all of this by itself.
"""

from __future__ import annotations

import sys

from bridge.app import bootstrap, redis_url
from bridge.config import ConfigError, load
from bridge.metrics import use_folder
from bridge.web import create_web

try:
    config = load()
    use_folder(config.data_dir / "metrics")
    app = create_web(bootstrap(config), config, lambda: redis_url(config))
except ConfigError as error:
    error.show()
    sys.exit(error.exit_code)
