"""
GitLab: issues, comments on issues and merge requests, commit statuses, pipelines and files.

GitLab knows no idempotency key. What can be looked up first (a file, a commit's status) is; an issue
or a comment may stand twice after a crash; a pipeline is not started twice.
Sources: docs.gitlab.com, REST API: "Issues", "Notes", "Commits" (statuses), "Pipelines", "Repository
files", "Authentication", "Troubleshooting" (status codes), "Rate limits".
"""

from __future__ import annotations

from connectors.gitlab import actions, lists  # the lists are those of the actions' inputs
from connectors.gitlab.access import GitLabConnection, gitlab

__all__ = ["GitLabConnection", "actions", "gitlab", "lists"]
