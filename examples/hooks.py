"""Hooks: a policy that may refuse a program, and an audit with one line of JSON for each."""

import contextvars
import logging
import tempfile
from logging.handlers import RotatingFileHandler
from pathlib import Path

from drybox import AuditHook, CodeExecutor, ExecutionRequest, HookContext, Rejected

user = contextvars.ContextVar("user", default="nobody")


class Policy:
    """A hook has any of: sandbox_created, before_run, after_run, sandbox_destroyed."""

    def before_run(self, context: HookContext) -> None:
        size = sum(file.size for file in context.files)
        if size > 4096:
            raise Rejected(f"This program has {size:,} bytes.", hint="Send at most 4,096.")


with tempfile.TemporaryDirectory() as folder:
    # Where the audit goes, and when it rotates, is the standard library's business.
    path = Path(folder, "audit.jsonl")
    handler = RotatingFileHandler(path, maxBytes=10_000_000, backupCount=9)
    logging.getLogger("drybox.audit").addHandler(handler)

    with CodeExecutor(hooks=[Policy(), AuditHook(user.get)]) as executor:
        user.set("ada")
        print(executor.execute(ExecutionRequest("python", "print(6 * 7)")).stdout, end="")

        user.set("bob")
        try:
            executor.execute(ExecutionRequest("python", "#" * 5001))
        except Rejected as error:
            print(error)

    handler.close()
    print(path.read_text(), end="")
