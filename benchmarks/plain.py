"""The baseline of the lanes: a Celery task that issues one credential, kept to a rate by Celery's own `rate_limit`.

It does what a first version would: one message for each credential, one call, no look-up, no record of what was done.
`python -m benchmarks.plain COUNT` sends the messages.
"""

from __future__ import annotations

import os
import sys

import requests
from celery import Celery
from kombu.entity import Queue

app = Celery("plain")
app.config_from_object("celeryconfig")
app.conf.task_queues = [Queue("steps", routing_key="steps")]
app.conf.worker_disable_rate_limits = False

#: calls a minute for each worker process, as Celery counts them
LIMIT = os.environ.get("PLAIN_LIMIT", "100/m")


@app.task(name="plain.issue", rate_limit=LIMIT)
def issue(number: int) -> None:
    """Issue one credential at Accredible."""
    credential = {
        "group_id": 4712,
        "recipient": {"name": f"Learner {number}", "email": f"plain.{number}@example.org"},
    }
    requests.post(
        f"{os.environ['ACCREDIBLE_URL']}/v1/credentials",
        json={"credential": credential},
        headers={"Authorization": f"Token token={os.environ['ACCREDIBLE_KEY']}"},
        timeout=20,
    )


if __name__ == "__main__":
    for one in range(int(sys.argv[1])):
        issue.delay(one)
