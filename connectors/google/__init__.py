"""Google: one account, or one person's sign-in, for Sheets, Drive, Calendar, Gmail and Docs."""
