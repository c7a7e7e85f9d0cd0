"""Measures the tap against its peers, as `nox -s benchmarks`. Not part of the tests."""
