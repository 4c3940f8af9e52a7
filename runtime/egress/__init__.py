"""What sandboxes may reach: decided, dialled, watched and written down here. What they say is not trusted."""
