"""What persons decide and state: the queue of held and failed cases, decisions about them, attestations."""
