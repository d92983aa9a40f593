"""A client of the sandbox's control API, for the demo, for rehearsals and for tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self, cast

import requests

Json = dict[str, Any]

_TIMEOUT_SECONDS = 120


class ControlError(RuntimeError):
    """The sandbox refused a wish; the message says which and why."""


def send_to(url: str, secret: str, sender: str = "local_webhooks", *, dry: bool = False, **more: Any) -> Json:
    """How a completion is announced: the `send` of `complete`.

    `more` may hold content_type, extra, actor, expected_response, max_tries, retry_seconds, timeout_seconds.
    """
    return {"url": url, "secret": secret, "sender": sender, "dry": dry, **more}


class LmsControl:
    """What a test does to one LMS. `more` holds the words of its twin; what that does not know is refused."""

    def __init__(self, system: str, post: Callable[[str, Json], Json]) -> None:
        self.system = system
        self._send = post

    def _post(self, verb: str, body: Json) -> Json:
        return self._send(f"lms/{self.system}/{verb}", body)

    def add_learner(self, learner: int | str, *, name: str, email: str, **more: Any) -> Json:
        """Add or replace a learner."""
        return self._post("learners", {"id": learner, "name": name, "email": email, **more})

    def add_course(self, course: int | str, *, name: str, **more: Any) -> Json:
        """Add or replace a course. `more`: modules, a list of objects with id and name, ..."""
        return self._post("courses", {"id": course, "name": name, **more})

    def enrol(self, learner: int | str, course: int | str, **more: Any) -> Json:
        """Enrol a learner, or change or end the enrolment."""
        return self._post("enrolments", {"learner": learner, "course": course, **more})

    def progress(self, learner: int | str, course: int | str, **more: Any) -> Json:
        """Change a standing without a completion: score, modules, time_spent_seconds, lag_reads, ..."""
        return self._post("progress", {"learner": learner, "course": course, **more})

    def complete(self, learner: int | str, course: int | str, *, send: Json | None = None, **more: Any) -> Json:
        """Complete a course; `send` announces it: url, the twin's secrets, dry, repeat, timeout_seconds.

        The report holds raw, headers, payload, answer (the last one) and answers.
        """
        wish = {} if send is None else {"send": send}
        return self._post("complete", {"learner": learner, "course": course, **wish, **more})

    def set(self, **settings: Any) -> Json:
        """Change settings of the account and get all of them."""
        return self._post("settings", settings)


class PlatformControl:
    """What a test does at one platform. `more` holds the words of its twin; what that does not know is refused."""

    def __init__(self, system: str, call: Callable[[str, str, Json | None], Json]) -> None:
        self.system = system
        self._call = call

    def _post(self, verb: str, body: Json) -> Json:
        return self._call("POST", f"platforms/{self.system}/{verb}", body)

    def add_template(self, template: int | str, *, name: str, **more: Any) -> Json:
        """Add or replace a template. `more`: usable, ..."""
        return self._post("templates", {"id": template, "name": name, **more})

    def add_credential(self, template: int | str, *, name: str, email: str, **more: Any) -> Json:
        """Somebody issues one at the platform, without us."""
        return self._post("credentials", {"template": template, "name": name, "email": email, **more})

    def change(self, credential: int | str, **more: Any) -> Json:
        """By hand, at the platform: name, withdrawn, deleted, claim (`claimed`, `declined`) with send, ..."""
        return self._post("changes", {"id": credential, **more})

    def credentials(self, *, live: bool | None = None) -> list[Json]:
        """Every credential there ever was, or only those that are live, or are not."""
        found = cast(list[Json], self._call("GET", f"platforms/{self.system}/credentials", None)["credentials"])
        return [one for one in found if live is None or one["live"] is live]

    def ignored_fields(self) -> list[str]:
        """The names of fields that the platform passed over in silence."""
        return cast(list[str], self._call("GET", f"platforms/{self.system}/credentials", None)["ignored_fields"])

    def set(self, **settings: Any) -> Json:
        """Change settings of the account and get all of them."""
        return self._post("settings", settings)


class SandboxControl:
    """The control API of one running sandbox."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False  # the sandbox is never behind the environment's proxy

    def close(self) -> None:
        """Let go of the connections."""
        self._session.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closed."""
        self.close()

    # Moodle

    def add_learner(self, learner: int, *, name: str, email: str, **more: Any) -> Json:
        """Add or replace a learner. `more`: supervisor_email, idnumber, suspended, username, fields."""
        return self._post("moodle/learners", {"id": learner, "name": name, "email": email, **more})

    def add_learners(self, learners: Sequence[Json]) -> list[Json]:
        """Add or replace several, each with id, name and email at least."""
        return cast(list[Json], self._post("moodle/learners", {"learners": list(learners)})["learners"])

    def add_course(self, course: int, *, shortname: str, fullname: str, **more: Any) -> Json:
        """Add or replace a course. `more`: idnumber, modules, prerequisites, enablecompletion, has_criteria, ..."""
        return self._post("moodle/courses", {"id": course, "shortname": shortname, "fullname": fullname, **more})

    def enrol(self, learner: int, course: int, *, suspended: bool = False, enrolled: bool = True) -> Json:
        """Enrol, suspend or, with enrolled=False, unenrol."""
        body = {"learner": learner, "course": course, "suspended": suspended, "enrolled": enrolled}
        return self._post("moodle/enrolments", body)

    def progress(self, learner: int, course: int, **more: Any) -> Json:
        """Change grades and states without a completion: score, total, scores, modules, overridden, lags."""
        return self._post("moodle/progress", {"learner": learner, "course": course, **more})

    def complete(
        self, learner: int, course: int, *, score: str | None = None, send: Json | None = None, **more: Any
    ) -> Json:
        """Complete a course; `send` (see `send_to`) announces it. Without a score the grades stay as they are.

        `more`: modules, scores, total, overridden, completed, lag_ms, lag_reads, grade_lag_reads,
        needs_update_reads.
        """
        body = {"learner": learner, "course": course, "send": send, **more}
        return self._post("moodle/complete", body if score is None else {**body, "score": score})

    def complete_many(
        self, completions: Sequence[Json], *, parallel: int = 1, send: Json | None = None
    ) -> list[Json]:
        """Complete for many learners; all records are there before the first event is sent."""
        body = {"completions": list(completions), "parallel": parallel, "send": send}
        return cast(list[Json], self._post("moodle/complete", body)["completions"])

    def resend(self, objectid: int, send: Json) -> Json:
        """Announce an earlier completion once more."""
        return self._post("moodle/resend", {"objectid": objectid, "send": send})

    def set_moodle(self, **settings: Any) -> Json:
        """Change the site: name, token, functions, web_services, debug."""
        return self._post("moodle/site", settings)

    # the other LMSs

    def lms(self, system: str) -> LmsControl:
        """The verbs for one LMS other than Moodle."""
        return LmsControl(system, self._post)

    def platform(self, system: str) -> PlatformControl:
        """The verbs for one credential platform."""
        return PlatformControl(system, self._call)

    def configure(self, system: str, **settings: Any) -> Json:
        """Change settings of a stand-in that is no LMS, and get all of them."""
        return self._post(f"{system}/settings", settings)

    # faults and limits

    def fault(self, system: str, kind: str, **more: Any) -> str:
        """Put a fault in force and give its id. `more`: method, path, status, seconds, times, after, ..."""
        return str(self._post("faults", {"system": system, "kind": kind, **more})["id"])

    def faults(self) -> list[Json]:
        """The faults with their hits."""
        return cast(list[Json], self._call("GET", "faults")["faults"])

    def clear_fault(self, fault_id: str) -> None:
        """Remove one fault and end the waits it causes."""
        self._call("DELETE", f"faults/{fault_id}")

    def clear_faults(self) -> None:
        """Remove all faults."""
        self._call("DELETE", "faults")

    def rate(self, system: str, window_seconds: float | None = None) -> Json:
        """What arrived: calls, over_limit, max_in_window, first_at, last_at."""
        query = "" if window_seconds is None else f"?window_seconds={window_seconds}"
        return self._call("GET", f"rates/{system}{query}")

    def set_rate(
        self,
        system: str,
        calls: int | None,
        window_seconds: float = 60.0,
        *,
        retry_after: bool = False,
        enforce: bool = True,
    ) -> Json:
        """Limit a system, or with calls=None only measure; the count begins anew."""
        body = {"calls": calls, "window_seconds": window_seconds, "retry_after": retry_after, "enforce": enforce}
        return self._post(f"rates/{system}", body)

    # what happened

    def credentials(self, email: str | None = None, *, deleted: bool = False) -> list[Json]:
        """The credentials at Accredible, or with `deleted` the deleted ones too."""
        shown = self.platform("accredible").credentials()
        if email is not None:
            shown = [one for one in shown if one["email"].lower() == email.lower()]
        return [one for one in shown if deleted or not one["deleted"]]

    def ignored_fields(self) -> list[str]:
        """The names of fields that Accredible passed over in silence."""
        return self.platform("accredible").ignored_fields()

    def completions(self) -> list[Json]:
        """The completions in the student information system."""
        return cast(list[Json], self._call("GET", "sis/completions")["completions"])

    def mails(self, to: str | None = None) -> list[Json]:
        """The caught messages."""
        response = self._session.get(
            f"{self.base_url}/_sandbox/mail", params={"to": to} if to else {}, timeout=_TIMEOUT_SECONDS
        )
        return cast(list[Json], _read(response)["messages"])

    def calls(self, system: str | None = None) -> list[Json]:
        """The calls at a system, or at all: method, path, operation, status, at."""
        return cast(list[Json], self._call("GET", f"calls?system={system}" if system else "calls")["calls"])

    def state(self) -> Json:
        """Counts of everything."""
        return self._call("GET", "state")

    # settings of the other stand-ins

    def set_sis(self, **settings: Any) -> Json:
        """Change the student information system: token, known_students_only."""
        return self._post("sis/settings", settings)

    def add_student(self, student: str, *, name: str, email: str, **more: Any) -> Json:
        """Add or replace a student of the student information system."""
        return self._post("sis/students", {"id": student, "name": name, "email": email, **more})

    def reset(self) -> None:
        """Back to the state at the start."""
        self._call("POST", "reset")

    def _post(self, path: str, body: Json) -> Json:
        return self._call("POST", path, body)

    def _call(self, method: str, path: str, body: Json | None = None) -> Json:
        return _read(
            self._session.request(method, f"{self.base_url}/_sandbox/{path}", json=body, timeout=_TIMEOUT_SECONDS)
        )


def _read(response: requests.Response) -> Json:
    if response.status_code >= 400:
        raise ControlError(f"{response.request.method} {response.url}: {response.status_code} {response.text}")
    return cast(Json, response.json())
