"""Executions and results on their way between a front door and a node, several in one call."""
