"""An agent that analyses data: it runs a step, looks at what came of it, and goes on.

A model would write the steps. Here they are a script, with a mistake that an error's text mends, so
that this runs without one.
"""

from __future__ import annotations

from collections.abc import Generator

from drybox import CodeExecutor, RunResult, Session

SALES = "month,units\nJan,12\nFeb,30\nMar,27\n"


def model() -> Generator[str, str, None]:
    """What a model might say: each step in answer to what came of the one before."""
    seen = yield "import csv\nrows = list(csv.DictReader(open('sales.csv')))\nlen(rows)"
    assert seen == "3"
    seen = yield "total = sum(row['units'] for row in rows)"
    assert seen.startswith("TypeError")  # it is told, and does better
    seen = yield "total = sum(int(row['units']) for row in rows)\ntotal"
    assert seen == "69"
    yield "best = max(rows, key=lambda row: int(row['units']))\nf\"{best['month']} of {total}\""


def told(result: RunResult) -> str:
    """What a model is told of a step."""
    if result.error is not None:
        return f"{result.error.name}: {result.error.value}"
    if result.status != "success":
        return f"The step ended with {result.status}."
    shown = [str(display.data.get("text/plain", "")) for display in result.results]
    return result.stdout + "".join(shown)


def work(session: Session) -> None:
    """Run step after step until the model has no more."""
    session.files.write("sales.csv", SALES)
    steps = model()
    step = next(steps)
    while True:
        seen = told(session.run(step, timeout=60))
        print(">>>", step.splitlines()[-1])
        print(seen)
        try:
            step = steps.send(seen)
        except StopIteration:
            return


if __name__ == "__main__":
    with CodeExecutor() as executor, executor.session("python") as session:
        work(session)
