"""One suite for every wall and every language: what the contract promises of each."""
