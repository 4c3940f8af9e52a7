"""What outlives the process, in one SQL database: containers, files, uploads, skills, API keys; not their bytes."""
