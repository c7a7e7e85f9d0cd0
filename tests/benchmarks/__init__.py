"""Measures the tap against its peers: `nox -s benchmarks`; no part of the tests."""
