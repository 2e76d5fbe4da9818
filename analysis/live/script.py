"""The script of the page, and what a browser may load for it: this script, and nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

STATIC = Path(__file__).parent / "static"


@cache
def page_script() -> str:
    """The script, which stands in the page itself, so that a saved page has it."""
    return (STATIC / "live.js").read_text(encoding="utf-8")


@cache
def content_policy() -> str:
    """The policy for a server's header, and for the page itself where it is a file."""
    digest = base64.b64encode(hashlib.sha256(page_script().encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'"
    )
