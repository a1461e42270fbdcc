"""Runs requests from standard input as whoever started it; see ``identity.OtherUser``."""

import sys

from tests.support.identity import receive, send

from drybox import CodeExecutor


def main() -> None:
    with CodeExecutor(package_dir=sys.argv[1] or None, pool=None) as executor:
        while (request := receive(sys.stdin.buffer)) is not None:
            many = isinstance(request, list)
            answer: object
            try:
                answer = executor.execute_many(request) if many else executor.execute(request)
            except Exception as error:
                answer = error
            send(sys.stdout.buffer, answer)


main()
