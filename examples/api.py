"""The Python API in one page: a one-liner, limits, parallel runs, events."""

from drybox import CodeExecutor, ExecutionRequest, InvalidRequest, ResourceLimits, execute

print(execute("python", "print('Hello, World!')").stdout, end="")

with CodeExecutor(timeout=10, limits=ResourceLimits(memory=128 * 1024**2)) as executor:
    # What a program does is data, whatever it does.
    result = executor.execute(ExecutionRequest("python", "while True: pass", timeout=0.5))
    print(result.status, "-", result.error.message)

    # Side by side, in order.
    squares = [ExecutionRequest("node", f"console.log({n} ** 2)") for n in range(5)]
    print([int(result.stdout) for result in executor.execute_many(squares)])

    # As it happens.
    code = "import sys; print('out'); print('err', file=sys.stderr)"
    for event in executor.stream(ExecutionRequest("python", code)):
        if event.type in ("stdout", "stderr"):
            print(event.type, repr(event.data))

    # Exceptions are for misuse and for failures of drybox itself.
    try:
        executor.execute(ExecutionRequest("python", files={"../main.py": "print(1)"}))
    except InvalidRequest as error:
        print(error)
