"""Faults of triggers and of how senders are verified (`fault_reference.py` reads this)."""

from __future__ import annotations

TEXT = r"""
=== verify
How a sender is verified

One way, said in full: `{provider, secret}`, or one of `hmac`, `token`, `basic`, `jwt` with its keys.
--- wrong
trigger: {webhook: {verify: hmac}}
--- mended
trigger: {webhook: {verify: {hmac: {header: X-Signature, secret: TOKEN}}}}

=== unknown-provider
A provider that is not known

/docs/providers lists them. For any other sender its scheme is written down, most often `hmac`.
--- wrong
trigger: {webhook: {verify: {provider: githb, secret: TOKEN}}}
--- mended
trigger: {webhook: {verify: {provider: github, secret: TOKEN}}}

=== signed
What a signature is over

`signed` is a text over `body`, `timestamp`, `id` and `url` alone, and says where those are that it
names. A timestamp that is not signed proves nothing.
--- wrong
trigger:
  webhook:
    verify:
      hmac: {header: X-Signature, secret: TOKEN, signed: "{{ timestamp }}.{{ body }}"}
--- mended
trigger:
  webhook:
    verify:
      hmac:
        header: X-Signature
        secret: TOKEN
        timestamp: {header: X-Timestamp}
        signed: "{{ timestamp }}.{{ body }}"

=== events
Nothing tells the type of an event

A provider knows where its events say their type. Without one `events` lets nothing in; a `filter` as
the first step looks at the payload.
--- wrong
trigger: {webhook: {events: [orders/create]}}
--- mended
trigger: {webhook: {verify: {provider: shopify, secret: TOKEN}, events: [orders/create]}}

=== schema
A JSON Schema that is none

`schema` and `inputs` are JSON Schema 2020-12. References lead to what stands in the schema itself, and
patterns match in linear time.
--- wrong
trigger: {webhook: {schema: {type: objekt}}}
--- mended
trigger: {webhook: {schema: {type: object}}}

=== schema-word
A word that checks nothing

JSON Schema passes over words and formats that it does not know. A note begins with `x-`.
--- wrong
trigger: {webhook: {schema: {type: object, propertys: {id: {type: integer}}}}}
--- mended
trigger: {webhook: {schema: {type: object, properties: {id: {type: integer}}}}}

=== on-mismatch
There is nothing to mismatch

`on_mismatch` says what happens when a payload does not satisfy `schema`, and there is none.
--- wrong
trigger: {webhook: {on_mismatch: accept_and_record}}
--- mended
trigger: {webhook: {on_mismatch: accept_and_record, schema: {type: object}}}

=== inputs
Inputs are described by a JSON Schema

A run's inputs have names: `{type: object, properties: {…}}`, each property an input of the form.
--- wrong
trigger: {manual: {inputs: {email: string}}}
--- mended
trigger: {manual: {inputs: {type: object, properties: {email: {type: string}}}}}

=== split
Nobody can wait for many runs

`split` starts a run for each item, so there is no single result to answer with.
--- wrong
trigger: {webhook: {split: payload.orders, answer: result}}
--- mended
trigger: {webhook: {split: payload.orders}}

=== network
An address or a network

IPv4 or IPv6, alone or with the length of its prefix: `203.0.113.7`, `203.0.113.0/24`.
--- wrong
trigger: {webhook: {allow_ips: [203.0.113.300]}}
--- mended
trigger: {webhook: {allow_ips: [203.0.113.30]}}

=== rate
A rate

A count and a time: `100/1m`, `5/s`.
--- wrong
trigger: {webhook: {rate_limit: 100 per minute}}
--- mended
trigger: {webhook: {rate_limit: 100/1m}}

=== origin
An origin of pages

A scheme and a host, with a port where it is not the usual one, and no path.
--- wrong
trigger: {webhook: {cors: [shop.example.com]}}
--- mended
trigger: {webhook: {cors: ["https://shop.example.com"]}}

=== fingerprint
The fingerprint of a certificate

Its SHA-256: 64 hexadecimal digits, with or without colons.
--- wrong
trigger: {webhook: {client_certificate: {fingerprint: "12:34"}}}
--- mended
trigger: {webhook: {client_certificate: {subject: orders.example.com}}}

=== client-certificate
Nobody is asked for a certificate

This server's TLS asks for none and no proxy passes one on, so every sender would be refused.
--- wrong
#! certificates off
name: Orders
trigger: {webhook: {client_certificate: {subject: orders.example.com}}}
steps:
  - filter: payload
--- mended
name: Orders
trigger: {webhook: {client_certificate: {subject: orders.example.com}}}
steps:
  - filter: payload

=== url
An address

It begins with `https://`, since what is fetched there decides who is believed.
--- wrong
trigger: {webhook: {verify: {jwt: {jwks: "http://example.com/keys", audience: orders}}}}
--- mended
trigger: {webhook: {verify: {jwt: {jwks: "https://example.com/keys", audience: orders}}}}

=== cron
A cron expression

Five fields: minute, hour, day of the month, month, day of the week. Names, ranges, lists and steps
are known, `?` and seconds are not.
--- wrong
trigger: {schedule: {cron: "0 25 * * *"}}
--- mended
trigger: {schedule: {cron: "0 5 * * *"}}

=== timezone
A length of time has no zone

`every: 1d` is 24 hours, wherever one is. A time of the day is written with `cron`.
--- wrong
trigger: {schedule: {every: 1d, timezone: Europe/Athens}}
--- mended
trigger: {schedule: {cron: "0 9 * * *", timezone: Europe/Athens}}

=== unknown-kind
An event that the server has not

`hookline: {on: [...]}` names the server's own events, such as `run_failed` and `problem_opened`.
--- wrong
trigger: {hookline: {on: [run_faild]}}
--- mended
trigger: {hookline: {on: [run_failed]}}
"""
