"""Dask's scheduler, of a version that nobody else has: `python -m tests.odd_scheduler scheduler ADDRESS …`."""

import sys

import distributed.versions

from rebuilders.cli.main import main

distributed.versions.get_package_info = lambda packages: {"distributed": "2020.1.0"}

if __name__ == "__main__":
    sys.argv = ["rebuilder", "farm", *sys.argv[1:]]
    main()
