"""
Jira: issues, comments, transitions and searches, on Cloud and on a Jira of your own (Data Center).

Cloud takes texts as documents (ADF, made of Markdown here) and names people by account id; Data
Center takes texts in Jira's own markup and names people by user name.
Jira knows no idempotency key: an issue or a comment may stand twice after a crash; a transition looks
first where the issue stands.
Sources: developer.atlassian.com, Jira Cloud platform REST API v3: "Issues", "Issue search", "Issue
comments", "Rate limiting", "Basic auth for REST APIs", "Atlassian Document Format"; Jira Data
Center REST API v2, "Personal access tokens".
"""

from __future__ import annotations

from connectors.jira import actions, lists  # the lists are those of the actions' inputs
from connectors.jira.access import JiraConnection, jira

__all__ = ["JiraConnection", "actions", "jira", "lists"]
