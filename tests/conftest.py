"""Fixtures that every folder of tests shares."""

pytest_plugins = [
    "drybox.testing.pytest_plugin",
    "tests.docker_fixtures",
    "tests.isolation_fixtures",
    "tests.attack_record",
    "tests.failures",
]
