"""Faults of a file as YAML (`fault_reference.py` reads this)."""

from __future__ import annotations

TEXT = r"""
=== unquoted
A text needs quotes

YAML reads `{{ x }}` as a mapping in a mapping, and a text that begins with a sign of YAML, or has
`: ` in it, as something else than one text. In quotes it is what it looks like; the fault shows the
line to paste.
--- wrong
- template: {{ payload.name }} has come
--- mended
- template: "{{ payload.name }} has come"

=== tag
A YAML tag where none is meant

An unquoted `!` begins a tag in YAML: `if: !payload.paid` is a value `.paid` of the type `payload`.
Tags are not allowed, also none of Home Assistant's such as `!secret`.
--- wrong
- if: !payload.paid
  template: not paid yet
--- mended
- if: "!payload.paid"
  template: not paid yet

=== comment
A comment cuts the value

A space and a `#` begin a comment, also inside of what looks like a text. It is an error where a
template is cut in two, and a warning where a word follows the `#` at once.
--- wrong
- template: Order #{{ payload.number }}
--- mended
- template: "Order #{{ payload.number }}"

=== syntax
This is not YAML

The file cannot be read on from here: a bracket or a quote that is not closed, a tab, a colon without
a space, an indentation that fits nothing. The lines around the place are worth a look, too.
--- wrong
- template: [one, two
--- mended
- template: [one, two]

=== key
A key that is no text

All keys of a file are texts. A number, `true` or nothing as a key needs quotes; a collection cannot
be a key.
--- wrong
vars:
  404: not found
--- mended
vars:
  "404": not found

=== duplicate-key
A key is given twice

Of two values one would be lost in silence. Two lists of the same kind become one list.
--- wrong
vars:
  minimum: 3
  minimum: 5
--- mended
vars:
  minimum: 5

=== merge-key
Merge keys are not allowed

`<<` copies keys from elsewhere, so that nobody sees in one place what a step does. A whole value may
be an alias of another.
--- wrong
vars:
  base: &base {a: 1}
  other:
    <<: *base
--- mended
vars:
  base: &base {a: 1}
  other: *base

=== alias
An alias that leads nowhere

`*name` stands for what was marked `&name` before it in the same file, not inside of that itself, and
all aliases together may expand to 1 MiB. A text that begins with `*` needs quotes.
--- wrong
vars:
  star: *important
--- mended
vars:
  star: "*important"

=== number
A number that JSON cannot hold

Values go in and out as JSON, which has no infinity, no `nan`, and no number beyond 1.8e308.
--- wrong
vars:
  most: .inf
--- mended
vars:
  most: 1e300

=== second-document
One file holds one workflow

`---` begins a second document, which would not be read. Each workflow has a file of its own.
--- wrong
name: One
trigger: {webhook: {}}
steps:
  - filter: payload
---
name: Two
--- mended
name: One
trigger: {webhook: {}}
steps:
  - filter: payload

=== character
A character that cannot stand in YAML

Control characters, and those on which programs disagree whether they end a line, are written as
escapes in double quotes.

=== empty
The file is empty

A workflow needs at least `name`, `trigger` and `steps`. `hookline init` makes a first one.

=== too-large
The file is too large

A workflow file has at most 1 MiB. Data belongs into a service that is asked for it, or into `vars`
of the server's configuration.

=== too-deep
Values in values in values

A file may nest 64 levels of lists and mappings, aliases followed.

=== too-many-faults
More than can be told

After a thousand faults of one file the rest is not judged. They are most often one mistake, seen
from many sides: begin with the first.

=== slug
The file's name cannot be an id

The file's name without `.yaml` is the workflow's id: `a-z`, `0-9` and `-`, at most 63 of them, not
beginning with `-`. The names under `formerly` follow the same rule.
--- wrong
formerly: [Old Orders]
--- mended
formerly: [old-orders]

=== file-name
The server does not read this file

Workflows are the files `*.yaml` of the folder. One that ends in `.yml` would lie there in silence.
--- wrong
#! file orders.yml
name: Orders
trigger: {webhook: {}}
steps:
  - filter: payload
--- mended
#! file orders.yaml
name: Orders
trigger: {webhook: {}}
steps:
  - filter: payload

=== merge-marker
What two people wrote, not decided yet

Both changed the same lines, and merging kept both between comments. Keep what is meant, or put the two
together, and take the three comments out.
--- wrong
# <<<<<<< yours
name: Big orders
# =======
# >>>>>>> version 15, which is live
trigger: {webhook: {}}
steps:
  - filter: payload
--- mended
name: Big orders
trigger: {webhook: {}}
steps:
  - filter: payload

=== connector-file
A connector's file that cannot be used

`connectors/<name>.yaml` beside the workflows is a connector without code, as `hookline connector
from-openapi` writes it. Each action has its request and its inputs; its entry begins two spaces in.
--- wrong
#! file connectors/shop.yaml
title: Shop
url: https://api.shop.example
actions:
  show_order:
    request: GET /orders/{id}
--- mended
#! file connectors/shop.yaml
title: Shop
url: https://api.shop.example
actions:
  show_order:
    request: GET /orders/{id}
    inputs:
      id: {in: path, required: true, schema: {type: integer}}

=== unreadable-file
The file cannot be read

It is not UTF-8, or may not be opened. The message says what the system said.
"""
