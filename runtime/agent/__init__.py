"""What runs inside a sandbox as PID 1. Stdlib only, Python 3.9: it is sent over the link into any image."""
