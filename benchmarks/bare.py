"""The baseline of the receiver: a Flask view that reads the body and answers 202, and does nothing else."""

from __future__ import annotations

from flask import Flask, Response, jsonify, request


def create_app() -> Flask:
    """The application, for gunicorn."""
    app = Flask(__name__)

    @app.post("/webhooks/campus")
    def receive() -> Response:
        request.get_data(cache=False)
        response = jsonify({"delivery": "none", "status": "/"})
        response.status_code = 202
        return response

    return app
