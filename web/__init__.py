"""The Flask application: the thin receiver, health, metrics, and the public pages."""

from __future__ import annotations

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from werkzeug.middleware.proxy_fix import ProxyFix

from pipeline.configuration.loading import configuration
from pipeline.review.refusals import Refusal
from pipeline.settings import settings
from tasks.logs import configure
from web import (
    attestations,
    cases,
    claims,
    health,
    issuer,
    lanes,
    metrics,
    problems,
    reviews,
    staff,
    status,
    verification,
    webhooks,
    withdrawals,
)

#: for one address, on pages that anybody may ask for
PUBLIC_LIMIT = "300 per minute"

_FOR_ANYBODY = (verification.verification, issuer.issuer, status.status)
_FOR_STAFF = (
    reviews.reviews,
    attestations.attestations,
    withdrawals.withdrawals,
    cases.cases,
    lanes.lanes,
)
_FOR_MACHINES = (webhooks.webhooks, claims.claims, health.health, metrics.metrics)


def create_app() -> Flask:
    """The application, with settings and configuration checked before it answers anything.

    Raises:
        SettingsFault, ConfigurationFault: with every fault at once.
    """
    limits = settings()
    configuration()
    configure()
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=limits.secret_key,
        MAX_CONTENT_LENGTH=limits.max_body_bytes,  # Flask's default is no limit
        TRUSTED_HOSTS=list(limits.trusted_hosts),  # nor does it check the host by default
    )
    if limits.trusted_proxies:
        hops = limits.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    problems.register(app)
    app.register_error_handler(Refusal, staff.refused)
    # counted in each process by itself: a broker that is frozen must not hold up a page
    limiter = Limiter(get_remote_address, app=app, storage_uri="memory://")
    for blueprint in (*_FOR_ANYBODY, *_FOR_STAFF):
        limiter.limit(PUBLIC_LIMIT)(blueprint)
    for blueprint in (*_FOR_ANYBODY, *_FOR_STAFF, *_FOR_MACHINES):
        app.register_blueprint(blueprint)
    app.after_request(problems.secure)
    return app
