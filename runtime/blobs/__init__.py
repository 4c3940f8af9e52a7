"""Where the bytes of files and skills are kept: in a local folder, or on S3-compatible storage."""
