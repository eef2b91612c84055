"""
What holds for all tests. Hypothesis has no limit of time for one example: a busy machine is no fault; a test
that hangs is ended by pytest's own limit. And nobody beside a test's own authorities is trusted: no test goes
out to the internet, and reading the system's certificates takes longer than most tests.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile("hookline", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("hookline")
os.environ["SSL_CERT_FILE"] = os.devnull
