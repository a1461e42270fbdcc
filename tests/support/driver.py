"""Runs requests from standard input as whoever started it; see ``identity.OtherUser``."""

import sys

from drybox import CodeExecutor
from tests.support.identity import receive, send


def main() -> None:
    with CodeExecutor() as executor:
        while (request := receive(sys.stdin.buffer)) is not None:
            try:
                answer = executor.execute(request)
            except Exception as error:
                answer = error
            send(sys.stdout.buffer, answer)


main()
