"""Runs requests from standard input as whoever started it; see ``identity.OtherUser``."""

import sys

from tests.support.forked import make_executor
from tests.support.identity import receive, send


def main() -> None:
    with make_executor(package_dir=sys.argv[1] or None) as executor:
        while (request := receive(sys.stdin.buffer)) is not None:
            many = isinstance(request, list)
            answer: object
            try:
                answer = executor.execute_many(request) if many else executor.execute(request)
            except Exception as error:
                answer = error
            send(sys.stdout.buffer, answer)


main()
