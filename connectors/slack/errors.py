"""What Slack's words mean: it says no with HTTP 200 and `ok: false`, a webhook with a text."""

from __future__ import annotations

from typing import NoReturn

from runner.connector import ConnectionRejected, Json, OutcomeUnknown, Rejected, Reply, Unavailable, in_brief

CREDENTIALS = {
    "account_inactive": "the token's user or workspace was deleted; install the app again",
    "invalid_auth": "the token is not valid; copy the bot token (xoxb-…) of the app again",
    "not_authed": "no token was sent; set the connection's token",
    "token_expired": "the token has expired; install the app again",
    "token_revoked": "the token was revoked; install the app again",
    "not_allowed_token_type": "a bot token (xoxb-…) is needed",
    "missing_scope": "the app lacks a scope; add it under OAuth & Permissions and install again",
    "no_permission": "the token's user may not do this; use another token",
    "access_denied": "the token may not do this; use another token",
    "team_access_not_granted": "the app is not approved for this workspace; ask an administrator",
    "team_not_found": "the token's workspace is not there; install the app again",
    "two_factor_setup_required": "the token's user must set up two-factor sign-in",
    "enterprise_is_restricted": "the token is an enterprise's; use one of a workspace",
    "ekm_access_denied": "the workspace's administrators have suspended posting",
    "invalid_token": "the webhook's address is not valid; copy it again",
    "no_active_hooks": "the webhook is switched off; make a new one",
    "no_service": "the webhook was removed or switched off; make a new one",
    "no_service_id": "the webhook's address is not complete; copy it again",
    "no_team": "the webhook's workspace is not there; make a new one",
    "team_disabled": "the webhook's workspace is switched off",
}
"""Errors until a person mends the connection, each with the mend."""

LATER = {
    "ratelimited": "too many messages",
    "rate_limited": "too many messages",
    "message_limit_exceeded": "the workspace has sent too many messages",
    "service_unavailable": "Slack is not available",
    "team_added_to_org": "the workspace is moving to an organisation",
    "org_login_required": "the workspace is moving to an organisation",
    "request_timeout": "the message arrived incomplete",
}
"""Errors after which nothing happened and that pass."""

UNKNOWN = {"fatal_error", "internal_error", "rollup_error"}
"""Errors of Slack's own, "possibly after some aspect succeeded"."""

MENDS = {
    "channel_not_found": "no such channel, or it is private and the app is not in it; use its id "
    "(C…), or /invite the app there",
    "not_in_channel": "the app is not in the channel; /invite it there",
    "is_archived": "the channel is archived; choose another",
    "channel_is_archived": "the channel is archived; choose another",
    "msg_too_long": "the text is longer than 40,000 characters; use `| truncate(…)`",
    "msg_blocks_too_long": "the blocks are longer than Slack allows; shorten them",
    "no_text": "the message is empty; give text or blocks",
    "invalid_blocks": "the blocks are not as Slack wants them; try them in the Block Kit Builder",
    "invalid_blocks_format": "blocks must be a list of blocks",
    "invalid_payload": "Slack cannot read the message; check its blocks",
    "too_many_attachments": "too many attachments; 100 are allowed",
    "cannot_reply_to_message": "this message takes no replies; leave thread_ts out",
    "thread_not_found": "no such thread; thread_ts is the ts of the first message in it",
    "restricted_action": "the workspace does not let the app post there; ask an administrator",
    "action_prohibited": "the workspace does not let the webhook post; ask an administrator",
    "posting_to_general_channel_denied": "the workspace keeps the app out of #general",
    "messages_tab_disabled": "the app takes no direct messages; switch on its Messages Tab",
    "user_not_found": "no such user; a user's id starts with U or W",
    "users_not_found": "nobody in the workspace has this address",
    "user_disabled": "the user's account is switched off",
    "user_not_visible": "the app may not see this user",
    "message_not_found": "no such message; channel and ts are those of its post",
    "cant_update_message": "the app may change its own messages only",
    "edit_window_closed": "the workspace lets messages be edited for a limited time, which is over",
    "cant_delete_message": "the app may delete its own messages only",
    "compliance_exports_prevent_deletion": "the workspace keeps all messages; it deletes none",
    "bad_timestamp": "ts is not a message's; it looks like 1700000000.000100",
    "invalid_name": "no such emoji; write its name without colons",
    "too_many_emoji": "the message has as many different reactions as Slack allows",
    "too_many_reactions": "the app has given as many reactions as Slack allows",
    "invalid_channel": "the channel is not one that the app can share to; give its id (C…)",
    "file_not_found": "Slack has lost the file; upload it again",
    "file_upload_size_restricted": "the file is larger than the workspace allows",
    "file_uploads_disabled": "the workspace allows no uploads; ask an administrator",
    "file_type_not_allowed": "the workspace does not allow files of this type",
    "storage_limit_reached": "the workspace's storage is full",
    "alt_txt_too_large": "the alternative text is longer than 1,000 characters",
    "unknown_snippet_type": "no such snippet_type; leave it out",
    "method_not_supported_for_channel_type": "this kind of conversation does not take that",
    "too_many_users": "too many users; 8 are allowed",
    "not_enough_users": "there is nobody to write to",
    "invalid_user_combination": "these users cannot be in one conversation",
    "invalid_cursor": "the list has changed since; begin again without a cursor",
}
"""Other errors that we can say more of than their word; the rest is shown as it is."""


def answer(reply: Reply, *fine: str) -> dict[str, Json]:
    """Slack's answer if it is a yes, or a no with one of the words *fine*."""
    given = reply.accept().json()
    if not isinstance(given, dict):
        raise OutcomeUnknown("Slack answered with what is not an object")
    if given.get("ok") is not True and given.get("error") not in fine:
        fail(reply, str(given.get("error", "unknown_error")), str(given.get("needed") or ""))
    return given


def fail(reply: Reply, code: str, needed: str = "") -> NoReturn:
    """
    Raise what Slack's word *code* means; *needed* names a missing scope. A word that we do not
    know is a rejection with HTTP 200, and else what the status says.
    """
    if code in CREDENTIALS:
        scope = f": {needed}" if needed else ""
        raise ConnectionRejected(f"Slack: {CREDENTIALS[code]} ({code}{scope})")
    if code in LATER:
        raise Unavailable(
            f"Slack: {LATER[code]} ({code})", retry_after_seconds=reply.retry_after(), cause="429"
        )
    if code in UNKNOWN:
        raise OutcomeUnknown(f"Slack: {code}", cause="500")
    if code in MENDS:
        raise Rejected(f"Slack: {MENDS[code]} ({code})")
    if reply.status != 200:
        reply.accept()
    raise Rejected(f"Slack: {in_brief(code, 100)}")
