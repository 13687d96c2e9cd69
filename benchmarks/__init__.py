"""Benchmarks: ours beside what people use today, in interleaved rounds of one run; see docs/benchmarks.md."""
