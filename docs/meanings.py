"""What the code cannot say of itself: the meanings that `docs.generate` writes beside its names."""

from __future__ import annotations

from collections.abc import Mapping

#: what a failure does: to a case in gather and verify, and to a credential in its lane
EFFECTS: Mapping[str, tuple[str, str]] = {
    "retryable": (
        "three attempts, `CONFER_RETRY_SECONDS` apart, then held",
        "three attempts, `CONFER_RETRY_SECONDS` apart, then to a person",
    ),
    "throttled": (
        "waits until the named time; costs no attempt",
        "no process calls the account before the named time; costs no attempt",
    ),
    "unsure": (
        "reading again is harmless: waits as in an outage",
        "looked up before it is called again; the account waits as in an outage",
    ),
    "rejected": ("held at once", "to a person at once"),
    "duplicate": ("does not occur", "confirmed with what exists; if the platform does not say what, looked up"),
    "misconfigured": (
        "held at once; if it is about the whole account, waits as in an outage",
        "to a person at once; if it is about the whole account, the account waits as in an outage",
    ),
    "notready": (
        "read again after 2 s, 4 s, … at most 15 min, until the program's `wait_for_lms` is over; then held",
        "does not occur",
    ),
    "outage": (
        "tried again after 2 s, 4 s, … at most 1 min, without end; costs no attempt",
        "the account waits: probes after 1 s, then 2 s, 4 s, … at most 1 min apart; costs no attempt. Should the "
        "platform have served others since this credential failed, it counts as an attempt",
    ),
}

#: what a ledger entry says
ENTRIES: Mapping[str, str] = {
    "attestation.made": (
        "Somebody stated something about a learner. Facts: what kind, about what, its hash; the reason is not here."
    ),
    "attestation.withdrawn": "An attestation was taken back.",
    "case.announced": "A person sent the wake-up of a stuck case again.",
    "case.assigned": "A person took a waiting case, or gave it to somebody.",
    "case.attempt_failed": "A step failed; the next of three attempts is due later.",
    "case.corrected": "Every credential of the case says what a correction asked for, and everybody was told.",
    "case.correcting": "A correction began; the credentials are in their lanes. Facts: where the case was.",
    "case.done": "Everything happened, once.",
    "case.escalated": "Nobody decided about a waiting case in time.",
    "case.failed": "The criteria are not met; the mail about the gap is settled.",
    "case.held": "A person has to look. Facts: why, and where the run goes on.",
    "case.issued": "Every credential of the case is confirmed.",
    "case.not_ready": "The LMS does not show the completion yet; it is read again later.",
    "case.notified": "Every mail of the case is settled.",
    "case.opened": "An event led to a new case. Facts: delivery and event.",
    "case.rejected": "A person closed the case without a credential.",
    "case.replayed": "A person put a held or failed case back into the run.",
    "case.reviewed": "A person decided. Facts: the review and the hash of its reason.",
    "case.throttled": "The other side asked for a pause.",
    "case.waits_for_mail": "A mail is not settled yet; the step comes again.",
    "case.waits_for_outage": "The other side is down; no attempt is counted.",
    "case.waits_for_update": "A downstream system has not been told yet; the step comes again.",
    "case.withdrawing": (
        "A withdrawal began: nothing of the case is issued any more. Facts: withdrawal, trigger, where it was."
    ),
    "case.withdrawn": (
        "Everything is taken back and everybody told. Facts: the trigger, and whether anything had been issued."
    ),
    "case.worker_lost": "A worker died over the case; another one took it over when the lease had ended.",
    "correction.requested": (
        "A person asked for a correction. Facts: where the name is from, and a hash; the name is not here."
    ),
    "credential.attempt_failed": "A call failed for this credential alone; the next attempt is due later.",
    "credential.cancelled": "A planned credential was given up; it was never called, or certainly without effect.",
    "credential.claimed": "The learner took the credential, as the platform told when asked.",
    "credential.corrected": "The platform has changed the credential in place.",
    "credential.correcting": "The credential is to be changed in place.",
    "credential.declined": "The learner declined the credential.",
    "credential.goes_alone": "A bulk call was refused for whichever of its credentials: each is asked for alone.",
    "credential.order_corrected": "What is not issued yet is to be issued with what a correction says.",
    "credential.released": "The credential whose place this one takes is withdrawn: it may be issued now.",
    "credential.superseded": "The credential is to be taken back because another one takes its place.",
    "credential.unclaimed": "The platform tells claims, and this credential was not claimed when it was first asked.",
    "credential.agrees": "The platform's copy, which differed before, is as it should be.",
    "credential.differs": "The platform's copy is not as it should be. Facts: in what it differs.",
    "credential.duplicate_blocked": "The platform refused a second credential; the first one was taken over.",
    "credential.found": "A look-up found the credential at the platform.",
    "credential.intended": "The intent: committed before the platform is called.",
    "credential.issued": "The platform confirmed the call.",
    "credential.looked_up": "A look-up found nothing, but the platform may not have settled; it is looked up again.",
    "credential.needs_person": "The credential left the lane; its case is held.",
    "credential.not_found": "A look-up found nothing after the platform had settled; the call is planned again.",
    "credential.planned": "The decision planned a credential at an account.",
    "credential.recalled": "A planned credential was taken out of its lane before any call.",
    "credential.replayed": "A person put the credential back into its lane; it is looked up first.",
    "credential.throttled": "The platform asked for a pause.",
    "credential.unpublished": "A bulk call made it and did not publish it; it is looked up and published.",
    "credential.waits_for_outage": "The platform is down; no attempt is counted.",
    "credential.withdrawing": (
        "The credential is to be taken back. Facts: why, and whether its learner had claimed it."
    ),
    "credential.withdrawn": (
        "The platform has taken the credential back. Facts: why, and whether its learner had claimed it."
    ),
    "credential.worker_lost": "A worker died over the credential. If it was calling, the credential is now unsure.",
    "decision.failed": "A criterion is not met. Facts: the decision, its hash, the outcome of each check.",
    "decision.passed": "Every check passed. Facts as above.",
    "delivery.held": "An administrator has to look: no program covers the course, or the delivery cannot be read.",
    "delivery.replayed": "A person put a held delivery back into the run.",
    "event.duplicate": "Another event of a completion that has its case already.",
    "event.reopened": "A new completion after a failed check: the record is read again.",
    "lane.paused": "A person stopped an account: nobody calls it. Facts: the reason.",
    "lane.rated": "A person changed the limit of an account. Facts: the limit; none: as accounts.yaml says.",
    "lane.resumed": "A person let an account go on. Facts: the reason.",
    "message.attempt_failed": "The mail server refused for now; the next attempt is due later.",
    "message.intended": "The intent: committed before the text is handed to the mail server.",
    "message.none": "The program tells nobody by mail.",
    "message.not_taken": "The mail server closed instead of taking the text; that was no hand-over.",
    "message.planned": "A mail is to be sent.",
    "message.rejected": "The mail server refused the mail for good, or there is nobody to send it to.",
    "message.replayed": "A person has the mail sent again.",
    "message.skipped": "The program tells the supervisor too, and the LMS names none.",
    "message.sent": "The mail server took the mail.",
    "message.unclear": "The answer to the text was lost; the mail is sent at most once more.",
    "record.gathered": "The learner's record was read. Facts: the record and its hash.",
    "record.outdated": "Something was stated about the learner while it was judged: the record is made again.",
    "update.attempt_failed": "A downstream system failed; the next attempt is due later.",
    "update.planned": "A downstream system is to be told.",
    "update.rejected": "A downstream system refused; the case is held at its end.",
    "update.replayed": "A person has the update sent again.",
    "update.sent": "The downstream system took the update. Facts: its reference or version.",
    "update.throttled": "The downstream system asked for a pause.",
    "update.waits_for_outage": "The downstream system is down; no attempt is counted.",
    "withdrawal.approved": (
        "A second person, or the program, has credentials taken back. Facts: who, and the hash of the reason."
    ),
    "withdrawal.done": "Everything is taken back, and everybody told.",
    "withdrawal.escalated": "Nobody decided about a requested withdrawal in time.",
    "withdrawal.refused": "A second person left the credentials as they are.",
    "withdrawal.requested": (
        "Somebody asked for credentials to be taken back. Facts: the trigger, and the hash of the reason."
    ),
}

#: when a task is sent, beside the tick
SENDERS: Mapping[str, str] = {
    "confer.receive": "the web process, after a delivery is stored",
    "confer.gather": "`confer.receive`; after a decision or an attestation, the web process or a command",
    "confer.verify": "`confer.gather`",
    "confer.inform": "`confer.verify`, when a criterion is not met",
    "confer.issue": "`confer.verify`; and itself, while credentials are due",
    "confer.notify": "`confer.issue`, when the last credential of a case is confirmed",
    "confer.downstream": "`confer.notify`",
    "confer.correct": "whoever asked for a correction; and `confer.issue`, when a credential of the case has changed",
    "confer.withdraw": "whoever approved a withdrawal; and `confer.issue`, when a credential is taken back",
    "confer.claim": "the web process, after a platform announced something",
    "confer.poll": "`confer.tick`, when a sweep of a course is due",
    "confer.tell-staff": "`confer.tick`, when a channel has something to tell",
    "confer.recheck": "`confer.tick`, once a night for each platform account, one after the other",
    "confer.drift": "`confer.tick`, once a day",
    "confer.tick": "beat, every `CONFER_TICK_SECONDS`",
}
