"""
GitHub: issues, comments, labels, commit statuses, files, and workflows set off from outside.

GitHub knows no idempotency key. What can be looked up first (a file) is; an issue or a comment may
stand twice after a crash; what starts a workflow is not started twice.
"""

from __future__ import annotations

from connectors.github import actions, lists  # the lists are those of the actions' inputs
from connectors.github.access import GitHubApp, GitHubConnection, github

__all__ = ["GitHubApp", "GitHubConnection", "actions", "github", "lists"]
