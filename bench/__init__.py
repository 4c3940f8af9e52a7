"""Benchmarks of the running service, side by side with what one would use instead. Run as `python -m bench`."""
