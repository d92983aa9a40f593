"""The lane of one platform account, part by part: what is taken, called, and made of it, and what staff sees."""
