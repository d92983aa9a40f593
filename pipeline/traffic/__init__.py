"""How calls to a platform are paced, and what happens while it is down."""
