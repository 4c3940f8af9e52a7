"""What a bundle may have at most. Sizes are bytes, and a MB is 1024 * 1024 of them."""

from __future__ import annotations

MB = 1024**2

# OpenAI's own limits, see its guide to skills.
MAX_ZIP_BYTES = 50 * MB
MAX_FILES = 500
MAX_FILE_BYTES = 25 * MB
MAX_NAME_LENGTH = 64
MAX_DESCRIPTION_LENGTH = 1024

# Ours. 500 files of the largest size would be 12 GB out of a zip of 13 MB: a bomb.
MAX_UNPACKED_BYTES = 256 * MB

# Ours: a template of a document is a zip, and an archive of templates is one more.
MAX_NESTED_ZIPS = 2

# Ours: what each file or folder in a zip in a bundle counts beside its content. It is a block of most disks; without
# it a zip of 40 KB could have 190,000 that are empty, which took six seconds to look at, and a larger one far more.
NESTED_ENTRY_BYTES = 4096

# Ours, for a zip: files, folders, and what macOS adds.
MAX_ENTRIES = 2_000

# Of one name, as Linux file systems have it; of a path in the bundle, so that it fits well below any folder.
MAX_PART_BYTES = 255
MAX_PATH_BYTES = 1_024

# Ours: a few hundred files can't become a hundred thousand folders.
MAX_DEPTH = 16

# Ours: what a YAML parser, the slowest part, is given to read.
MAX_FRONT_MATTER_BYTES = 64 * 1024
MAX_FRONT_MATTER_DEPTH = 16


def megabytes(limit: int) -> str:
    """A limit as messages say it."""
    return f"{limit // MB} MB ({limit} bytes)"
