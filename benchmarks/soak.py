"""Thousands of executions in one executor: what of drybox grows, and what is left.

Mostly Python in sandboxes that wait, some in a sandbox for packages' sake, some that fail, time
out, flood or ask for other limits. Prints drybox's resident memory after a warm-up and at the
end, and counts descriptors, threads, processes, cgroups, mounts and folders before and after.
Ends with 1 if memory has grown by 5 % or more, or anything is left.
"""

from __future__ import annotations

import argparse
import sys

from tests.support.soak import MOST_GROWTH, soak


def main() -> int:
    """Run, print, and say whether nothing grows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000, help="Executions.")
    parser.add_argument("--languages", default="python", help="Such as python,node.")
    options = parser.parse_args()
    found = soak(options.runs, tuple(options.languages.split(",")), lambda line: print(line))
    print(found.text)
    return not (found.growth < MOST_GROWTH and found.before == found.after)


if __name__ == "__main__":
    sys.exit(main())
