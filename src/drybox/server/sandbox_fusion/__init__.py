"""The API of SandboxFusion that code-reward training calls."""
