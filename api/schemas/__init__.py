"""The shapes on the wire: requests become the runtime's values with `to_spec`, records become answers with `of`."""
