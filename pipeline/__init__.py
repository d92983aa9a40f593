"""The job itself: a completion is checked against written criteria and becomes a credential.

Nothing in here knows Celery or Flask, so every rule of the job can be run and tested without either.
"""
