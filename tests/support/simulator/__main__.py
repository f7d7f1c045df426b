"""`python -m support.simulator --seed N` plays one schedule and tells its steps; `--count` plays many from there."""

import argparse
import sys
from time import perf_counter

from support.simulator.run import play, repeat


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--count", type=int, default=1)
    asked = arguments.parse_args()
    began = perf_counter()
    for seed in range(asked.seed, asked.seed + asked.count):
        if failure := play(seed, tell=print if asked.count == 1 else None):
            sys.exit(f"{failure}\n{repeat(seed)}")
    print(f"{asked.count} schedules held in {perf_counter() - began:.1f} s")  # noqa: T201 - a tool for the terminal


main()
