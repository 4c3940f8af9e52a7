"""Many at a time: creates at once, callers at once, sandboxes that idle, records that pile up."""
