"""Skill bundles: whether bytes are a skill, and the one zip that is made of them. Files in, files out; it blocks."""
