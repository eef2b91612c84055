"""Requests as the documentation of well-known services writes them, with made-up credentials."""
# ruff: noqa: E501 - lines as they are copied

from __future__ import annotations

LINES: dict[str, str] = {
    "openai": r"""curl https://api.openai.com/v1/chat/completions \
  -H "Content-Type: application/json" \
  -H "Authorization: Bearer $OPENAI_API_KEY" \
  -d '{"model": "gpt-4o", "messages": [{"role": "user", "content": "Say \"hi\""}]}'""",
    "openai-file": """curl https://api.openai.com/v1/files -H "Authorization: Bearer $OPENAI_API_KEY" -F purpose="fine-tune" -F file="@mydata.jsonl" """,
    "anthropic": """curl https://api.anthropic.com/v1/messages --header "x-api-key: $ANTHROPIC_API_KEY" --header "anthropic-version: 2023-06-01" --header "content-type: application/json" --data '{"model": "claude", "max_tokens": 1024, "messages": [{"role": "user", "content": "Hello"}]}'""",
    "stripe": """curl https://api.stripe.com/v1/charges -u sk_test_4eC39HqLyjWDarjtT1zdp7dc: -d amount=999 -d currency=usd -d "metadata[order_id]"=6735 -d description="My First Test Charge" """,
    "github": """curl -L -X POST -H "Accept: application/vnd.github+json" -H "Authorization: Bearer <YOUR-TOKEN>" -H "X-GitHub-Api-Version: 2022-11-28" https://api.github.com/repos/OWNER/REPO/issues -d '{"title":"Found a bug","labels":["bug"]}'""",
    "github-old": "curl -H 'Authorization: token ghp_0123456789abcdef' https://api.github.com/user/repos?per_page=5",
    "gitlab": """curl --request POST --header "PRIVATE-TOKEN: <your_access_token>" --url "https://gitlab.example.com/api/v4/projects/4/issues?title=Issues%20with%20auth&labels=bug" """,
    "slack": """curl -X POST -H 'Content-type: application/json; charset=utf-8' -H 'Authorization: Bearer xoxb-123-456' --data '{"channel":"C061EG9SL","text":"I hope the tour went well"}' https://slack.com/api/chat.postMessage""",
    "slack-hook": """curl -X POST -H 'Content-type: application/json' --data '{"text":"Hello, World!"}' https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX""",
    "discord-hook": """curl -H "Content-Type: application/json" -d '{"username": "test", "content": "hello"}' "https://discord.com/api/webhooks/123456789/abcDEF-123" """,
    "telegram": """curl -X POST "https://api.telegram.org/bot123456:ABC-DEF1234ghIkl/sendMessage" -d "chat_id=@mychannel&text=Hello%20there" """,
    "twilio": """curl -X POST "https://api.twilio.com/2010-04-01/Accounts/$TWILIO_ACCOUNT_SID/Messages.json" --data-urlencode "Body=Hi there & bye" --data-urlencode "From=+15557122661" --data-urlencode "To=+15558675310" -u $TWILIO_ACCOUNT_SID:$TWILIO_AUTH_TOKEN""",
    "sendgrid": """curl --request POST --url https://api.sendgrid.com/v3/mail/send --header 'Authorization: Bearer YOUR_API_KEY' --header 'Content-Type: application/json' --data '{"personalizations": [{"to": [{"email": "recipient@example.com"}]}],"from": {"email": "sendeexampexample@example.com"},"subject": "Hello, World!","content": [{"type": "text/plain", "value": "Howdy!"}]}'""",
    "mailgun": """curl -s --user 'api:YOUR_API_KEY' https://api.mailgun.net/v3/YOUR_DOMAIN_NAME/messages -F from='Excited User <mailgun@YOUR_DOMAIN_NAME>' -F to=YOU@YOUR_DOMAIN_NAME -F to=bar@example.com -F subject='Hello' -F text='Testing some Mailgun awesomeness!'""",
    "notion": """curl 'https://api.notion.com/v1/pages' -H 'Authorization: Bearer '"$NOTION_API_KEY"'' -H "Content-Type: application/json" -H "Notion-Version: 2022-06-28" --data '{"parent": {"database_id": "d9824bdc84454327be8b5b47500af6ce"}, "properties": {"Name": {"title": [{"text": {"content": "Tuscan Kale"}}]}}}'""",
    "airtable": """curl "https://api.airtable.com/v0/appABC/Table%201?maxRecords=3&view=Grid%20view" -H "Authorization: Bearer patX.Y" """,
    "shopify": """curl -X POST "https://your-store.myshopify.com/admin/api/2024-01/products.json" -H "X-Shopify-Access-Token: {access_token}" -H "Content-Type: application/json" -d '{"product":{"title":"Burton Custom"}}'""",
    "hubspot": """curl --request POST --url https://api.hubapi.com/crm/v3/objects/contacts --header 'authorization: Bearer pat-na1-1234' --header 'content-type: application/json' --data '{"properties": {"email": "a@example.com", "firstname": "Ann"}}'""",
    "jira": """curl --request POST --url 'https://your-domain.atlassian.net/rest/api/3/issue' --user 'email@example.com:api_token_1' --header 'Accept: application/json' --header 'Content-Type: application/json' --data '{"fields": {"project": {"key": "TEST"}, "summary": "x", "issuetype": {"id": "10000"}}}'""",
    "zendesk": """curl https://example.zendesk.com/api/v2/tickets.json -d '{"ticket": {"subject": "My printer is on fire!", "comment": {"body": "The smoke is very colorful."}}}' -H "Content-Type: application/json" -v -u jdoe@example.com/token:6wiIBWbGkBMo1mRDMuVwkw1EPsNkeUj95PIz2akv -X POST""",
    "pagerduty": """curl -X POST --header 'Content-Type: application/json' --url https://events.pagerduty.com/v2/enqueue --data '{"routing_key": "samplekeyhere", "event_action": "trigger", "payload": {"summary": "x", "source": "monitor", "severity": "info"}}'""",
    "linear": """curl -X POST -H "Content-Type: application/json" -H "Authorization: lin_api_0123" --data '{ "query": "{ issues { nodes { id title } } }" }' https://api.linear.app/graphql""",
    "google-maps": """curl 'https://maps.googleapis.com/maps/api/geocode/json?address=1600+Amphitheatre&key=AIzaSyA0123456789'""",
    "openweather": "curl 'https://api.openweathermap.org/data/2.5/weather?q=London&units=metric&appid=0123456789abcdef'",
    "elasticsearch": """curl -X PUT "localhost:9200/customer/_doc/1?pretty" -H 'Content-Type: application/json' -d'
{
  "name": "John Doe"
}
'""",
    "datadog": """curl -X POST "https://api.datadoghq.com/api/v1/events" -H "Accept: application/json" -H "Content-Type: application/json" -H "DD-API-KEY: ${DD_API_KEY}" -d @- << EOF""",
    "cloudflare": """curl https://api.cloudflare.com/client/v4/zones/$ZONE_ID/purge_cache -H 'Content-Type: application/json' -H "X-Auth-Email: $CLOUDFLARE_EMAIL" -H "X-Auth-Key: $CLOUDFLARE_API_KEY" -d '{"purge_everything": true}'""",
    "digitalocean": """curl -X GET -H "Content-Type: application/json" -H "Authorization: Bearer $DIGITALOCEAN_TOKEN" "https://api.digitalocean.com/v2/droplets?page=1&per_page=1" """,
    "supabase": """curl -X POST 'https://abc.supabase.co/rest/v1/todos' -H "apikey: SUPABASE_KEY" -H "Authorization: Bearer SUPABASE_KEY" -H "Content-Type: application/json" -H "Prefer: return=minimal" -d '{ "some_column": "someValue" }'""",
    "spotify": """curl -X POST "https://accounts.spotify.com/api/token" -H "Content-Type: application/x-www-form-urlencoded" -d "grant_type=client_credentials&client_id=your-client-id&client_secret=s3cr3t-of-spotify" """,
    "paypal": """curl -v -X POST "https://api-m.sandbox.paypal.com/v1/oauth2/token" -u "CLIENT_ID:CLIENT_SECRET" -H "Content-Type: application/x-www-form-urlencoded" -d "grant_type=client_credentials" """,
    "graph": """curl -G https://graph.facebook.com/v18.0/me/accounts -d "fields=name,id" -d "access_token=EAAB0123" """,
    "whatsapp": """curl -i -X POST https://graph.facebook.com/v18.0/FROM_PHONE_NUMBER_ID/messages -H 'Authorization: Bearer ACCESS_TOKEN' -H 'Content-Type: application/json' -d '{ "messaging_product": "whatsapp", "to": "15551234567", "type": "template", "template": { "name": "hello_world", "language": { "code": "en_US" } } }'""",
    "asana": """curl --request POST https://app.asana.com/api/1.0/tasks --header 'Accept: application/json' --header 'Authorization: Bearer ACCESS_TOKEN' --header 'Content-Type: application/json' --data '{"data": {"name": "Buy catnip", "due_on": null, "completed": false}}'""",
    "ntfy": "curl -H \"Title: Unauthorized access detected\" -H 'Priority: urgent' -d 'Remote access to phils-laptop detected' ntfy.sh/mytopic",
    "chrome": r"""curl 'https://shop.example.com/api/cart' -X 'POST' -H 'accept: application/json' -H 'accept-language: en-US,en;q=0.9' -H 'content-type: application/json' -b 'session=abc123; theme=dark' -H 'origin: https://shop.example.com' -H 'priority: u=1, i' -H 'sec-ch-ua: "Chromium";v="130"' -H 'sec-fetch-mode: cors' -H 'user-agent: Mozilla/5.0' --data-raw $'{"note":"it\'s \u00fcber","n":2}' --compressed --insecure""",
}
