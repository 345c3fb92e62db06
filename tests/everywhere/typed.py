"""Types what a consumer's program can load as if on other systems, whose libraries lack names: `make check` runs it."""

import sys

from mypy import api

from tests.everywhere.reachable import reachable
from tests.everywhere.systems import SYSTEMS

if __name__ == "__main__":
    modules = [part for module in sorted(reachable()) for part in ("-m", module)]
    failed = 0
    for system in SYSTEMS.values():
        cache = f".mypy_cache/{system.platform}"
        out, err, code = api.run(["--platform", system.platform, "--cache-dir", cache, *modules])
        if code:
            sys.stdout.write(f"on {system.platform}:\n{out}")
            sys.stderr.write(err)
        failed = failed or code
    sys.exit(failed)
