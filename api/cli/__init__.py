"""The `sandlot` command."""
