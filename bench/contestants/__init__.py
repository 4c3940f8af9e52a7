"""The ways to do the same: Sandlot, and what one would use instead of it."""
