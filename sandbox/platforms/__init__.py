"""Stand-ins of the credential platforms; a new file or folder in here is all that one takes."""
