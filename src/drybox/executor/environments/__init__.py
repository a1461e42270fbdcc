"""Environments of an executor: found for a job, built, installed into."""
