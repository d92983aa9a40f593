"""Looking without touching: why a case was decided so, what a rule would do, and whether the LMS still fits it."""
