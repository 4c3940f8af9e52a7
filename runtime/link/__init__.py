"""The link: one byte stream to a sandbox's agent, and channels with flow control on it. The host's end."""
