"""One suite for every isolation and every language: what the contract promises of each."""
