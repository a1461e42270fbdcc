"""Fixtures that every folder of tests shares."""

pytest_plugins = ["tests.docker_fixtures", "tests.wall_fixtures"]
