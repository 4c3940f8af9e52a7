"""The sandbox runtime: real containers, one link each. Knows nothing of the HTTP API."""
