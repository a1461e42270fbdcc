"""The operator's hooks around executions."""
