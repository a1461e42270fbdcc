"""A tutor: a learner's attempts are tried one by one, and none of them breaks the next."""

from __future__ import annotations

from drybox import CodeExecutor, Session

ATTEMPTS = [
    "def is_even(n):\n    return n / 2 == 0",
    "def is_even(n):\n    while n != 0:\n        n = n - 2\n    return True",
    "def is_even(n):\n    return n % 2 = 0",
    "def is_even(n):\n    return n % 2 == 0",
]
CHECK = "[n for n in range(-3, 6) if is_even(n) != (n in (-2, 0, 2, 4))][:1]"


def judge(session: Session, attempt: str) -> str:
    """What a learner is told of an attempt."""
    defined = session.run(attempt, timeout=30)
    if defined.error is not None:
        return f"This is no Python yet: {defined.error.value}."
    checked = session.run(CHECK, timeout=2)
    if checked.status == "timeout":
        return "It did not come to an end. Is there a number that it never reaches?"
    if checked.error is not None:
        return f"It raised {checked.error.name}: {checked.error.value}."
    wrong = str(checked.results[0].data["text/plain"])
    return "Right!" if wrong == "[]" else f"It is wrong for {wrong.strip('[]')}."


if __name__ == "__main__":
    with CodeExecutor() as executor, executor.session("python") as session:
        session.run("pass")  # what is warm is judged by its own time
        for number, attempt in enumerate(ATTEMPTS, 1):
            print(f"Attempt {number}:", judge(session, attempt))
