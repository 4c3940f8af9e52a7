"""Container engines behind one small Protocol."""
