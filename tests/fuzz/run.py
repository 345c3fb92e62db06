"""Coverage-guided fuzzing of one target with atheris; `make fuzz` runs each in turn.

An input that fails is kept beside the corpus, as TARGET-crash-…, and becomes a row in tests/fuzz/test_targets.py once
it is understood.
"""

import argparse
import sys
from pathlib import Path

import atheris

_MEMORY = 1024  # MiB, the fuzzer's own included
_SECONDS = 60  # for one input
_LARGEST = 16 * 1024

with atheris.instrument_imports(include=["witness", "rebuilders.facts"]):
    from tests.fuzz.seeds import seeds
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """The entry point."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.run", description=__doc__.split("\n", 1)[0])
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--corpus", type=Path, default=Path("build/fuzz"))
    parser.add_argument("--again", type=Path, help="an input that failed, to be run once")
    asked = parser.parse_args()
    corpus = asked.corpus / asked.target
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(seeds(asked.target)):
        (corpus / f"seed-{number}").write_bytes(data)
    arguments = [
        sys.argv[0],
        f"-rss_limit_mb={_MEMORY}",
        f"-timeout={_SECONDS}",
        f"-max_len={_LARGEST}",
        f"-artifact_prefix={asked.corpus}/{asked.target}-",
        "-print_final_stats=1",
        *([str(asked.again)] if asked.again else [f"-max_total_time={asked.seconds}", str(corpus)]),
    ]
    atheris.Setup(arguments, TARGETS[asked.target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
