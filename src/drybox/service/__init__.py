"""The service without a transport: admission, quotas, readiness."""
