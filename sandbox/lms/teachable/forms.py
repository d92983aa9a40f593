"""What the API shows of a school: the JSON documents of contract 2.2 to 2.5."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sandbox.lms.teachable.school import Course, Enrolment, Lecture, Quiz, School

Json = dict[str, Any]

_SIGNED_IN = "2026-09-16T12:00:00Z"


def meta(total: int, *, page: int, shown: int, per: int, size: int) -> Json:
    """How far a list goes; `per_page` is what was asked for, whatever the size is."""
    first = (page - 1) * size
    return {
        "total": total,
        "page": page,
        "from": first + 1 if shown else 0,
        "to": first + shown,
        "per_page": per,
        "number_of_pages": -(-total // size),
    }


def user_form(school: School, learner: int, *, named: str) -> Json:
    """A user with their courses; `named` is the key of a course's name."""
    person = school.learners[learner]
    return {
        "id": person.id,
        "email": person.email,
        "name": person.name,
        "src": person.src,
        "role": "student",
        "last_sign_in_at": _SIGNED_IN,
        "last_sign_in_ip": "203.0.113.7",
        "sign_in_count": 12,
        "tags": [],
        "courses": [
            {
                "course_id": one.course,
                named: school.courses[one.course].name,
                "enrolled_at": one.enrolled_at,
                "is_active_enrollment": one.is_active,
                "completed_at": one.shown_completed_at(),
                "percent_complete": round(one.percent_complete(school.courses[one.course])),
            }
            for one in school.enrolments.values()
            if one.learner == learner and one.course in school.courses
        ],
    }


def course_row(course: Course) -> Json:
    """A course in a list."""
    return {
        "id": course.id,
        "name": course.name,
        "heading": None,
        "description": "",
        "is_published": course.is_published,
        "image_url": None,
    }


def course_form(course: Course) -> Json:
    """A course with its sections and lectures, published or not."""
    sections = [
        {
            "id": course.id * 100 + number,
            "name": name,
            "position": number,
            "is_published": True,
            "lectures": [
                {"id": one.id, "position": place, "is_published": one.is_published}
                for place, one in enumerate(lectures, 1)
            ],
        }
        for number, (name, lectures) in enumerate(course.sections().items(), 1)
    ]
    return {**course_row(course), "lecture_sections": sections, "author_bio": {"name": "Instructor"}}


def progress_form(course: Course, enrolment: Enrolment, lectures: Sequence[Lecture]) -> Json:
    """How far a learner is, with the lectures of one page; a section may go on in the next page."""
    sections: dict[str, Json] = {}
    for lecture in lectures:
        made = {"id": course.id * 100 + 1 + list(course.sections()).index(lecture.section), "name": lecture.section}
        done = lecture.id in enrolment.lectures
        row = {
            "id": lecture.id,
            "name": lecture.name,
            "is_completed": done,
            "completed_at": _SIGNED_IN if done else None,
        }
        sections.setdefault(lecture.section, {**made, "lectures": []})["lectures"].append(row)
    return {
        "id": enrolment.id + 1_000_000,
        "certificate": {"page_id": None, "issued_at": None, "serial_number": None},
        "completed_at": enrolment.shown_completed_at(),
        "enrolled_at": enrolment.enrolled_at,
        "percent_complete": enrolment.percent_complete(course),
        "lecture_sections": list(sections.values()),
    }


def enrolment_row(course: Course, enrolment: Enrolment) -> Json:
    """An enrolment in the list of a course: without its own id."""
    return {
        "user_id": enrolment.learner,
        "enrolled_at": enrolment.enrolled_at,
        "expires_at": enrolment.expires_at,
        "completed_at": enrolment.shown_completed_at(),
        "percent_complete": enrolment.percent_complete(course),
    }


def quiz_form(quiz: Quiz) -> Json:
    """A quiz with its questions."""
    question = {
        "question": "Which one?",
        "question_type": "single",
        "answers": ["This", "That"],
        "correct_answers": ["This"],
        "graded": quiz.graded,
    }
    inner = {"id": quiz.id + 5, "type": "Quiz", "questions": [question]}
    return {"quiz": {"id": quiz.id, "name": quiz.name, "kind": "quiz", "position": 1, "quiz": inner}}


def responses_form(school: School, course: Course, lecture: Lecture, quiz: Quiz) -> Json:
    """All responses of all learners, the latest first; without grades where none are recorded."""
    rows = [
        {
            "student_id": one.learner,
            "student_name": school.learners[one.learner].name,
            "student_email": school.learners[one.learner].email,
            "submitted_at": response.submitted_at,
            "percent_correct": response.correct if quiz.graded else None,
        }
        for one in school.of_course(course.id)
        for response in one.responses.get(quiz.id, [])
    ]
    return {
        "course_id": course.id,
        "course_name": course.name,
        "lecture_id": lecture.id,
        "lecture_name": lecture.name,
        "graded": quiz.graded,
        "responses": sorted(rows, key=lambda row: str(row["submitted_at"]), reverse=True),
    }
