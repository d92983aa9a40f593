"""Starts the sandbox from the command line: `python -m sandbox`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading

from sandbox.server import Sandbox


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="Stand-ins of Moodle, Accredible, a student information system and a mail server, in memory.",
        epilog="example: python -m sandbox --port 9000 --smtp-port 2525, then open http://127.0.0.1:9000/_sandbox/",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=9000, help="HTTP port, 0 takes a free one (default: %(default)s)")
    parser.add_argument(
        "--smtp-port", type=int, default=2525, help="SMTP port, 0 takes a free one (default: %(default)s)"
    )
    parser.add_argument("--public-url", help="address written into answers, where it is not the one called")
    parser.add_argument("--json", action="store_true", help="print the addresses as one JSON object")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT."""
    given = _arguments().parse_args(arguments)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        sandbox = Sandbox(given.host, given.port, given.smtp_port, given.public_url)
    except OSError as error:
        print(f"sandbox: {error.strerror}", file=sys.stderr)
        return 1
    with sandbox:
        addresses = {"http": sandbox.http, "smtp": sandbox.smtp}
        shown = json.dumps(addresses) if given.json else f"sandbox: {sandbox.http}/_sandbox/ and {sandbox.smtp}"
        print(shown, flush=True)
        ended.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
