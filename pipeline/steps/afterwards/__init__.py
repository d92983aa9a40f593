"""What may happen to a credential after it was issued: recalled, replaced, withdrawn, awarded again."""
