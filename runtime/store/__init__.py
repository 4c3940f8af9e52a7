"""What outlives the process: containers, their files and API keys, in one SQL database."""
