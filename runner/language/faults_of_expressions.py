"""Faults of expressions and templates (`fault_reference.py` reads this)."""

from __future__ import annotations

TEXT = r"""
=== expression
An expression or a template that cannot be read

JMESPath stands in `filter`, `if`, `when`, `transform`, `for_each` and where else the reference says
so; Jinja, with `{{ … }}`, in texts. The column is the place inside it where reading ended.
--- wrong
- filter: payload.total >
--- mended
- filter: payload.total > 100

=== operator
An operator of another language

In expressions: `==`, `!=`, `&&`, `||`, `!`. In templates: `==`, `!=`, `and`, `or`, `not`. Neither has
`=`, `===`, `<>`, `? :` or `in` for expressions, where `contains(list, value)` asks that.
--- wrong
- filter: payload.total > 100 and payload.currency = 'EUR'
--- mended
- filter: payload.total > 100 && payload.currency == 'EUR'

=== braces
Braces around an expression

Where a key takes an expression, it is written as it is. `{{ … }}` stands in texts.
--- wrong
- filter: "{{ payload.paid }}"
--- mended
- filter: payload.paid

=== double-quotes
Double quotes name a field

In JMESPath "EUR" is the field of that name; a text stands in single quotes. A field whose name has a
dash or a space is the one thing that needs double quotes.
--- wrong
- filter: payload.currency == "EUR"
--- mended
- filter: payload.currency == 'EUR'

=== dashed-name
A name with a dash subtracts

`first-name` is `first` minus `name`. In an expression such a field stands in double quotes, in a
template in brackets: `payload['first-name']`.
--- wrong
- filter: event.headers.x-github-event == 'push'
--- mended
- filter: event.headers."x-github-event" == 'push'

=== brackets
Fields and items

In JMESPath a field follows a dot, and an item's number stands in brackets: `payload.lines[0].sku`.
--- wrong
- filter: payload["paid"]
--- mended
- filter: payload.paid

=== escape
A backslash between single quotes

In JMESPath '\n' is a backslash and an n. A text with a line break is JSON between backticks. In
templates '\n' is a line break.
--- wrong
- transform: join('\n', payload.names)
--- mended
- transform: join(`"\n"`, payload.names)

=== quotes
Quotes of a word processor

Text programs turn straight quotes into curly ones, which quote nothing here.
--- wrong
- filter: payload.status == ‘paid’
--- mended
- filter: payload.status == 'paid'

=== unclosed
Something is opened and not closed

`{{` ends with `}}`, `{% if … %}` with `{% endif %}`, `{% for … %}` with `{% endfor %}`.
--- wrong
- template: "Hello {{ payload.name }"
--- mended
- template: "Hello {{ payload.name }}"

=== unknown-function
A function or filter that there is not

/docs/functions lists all; the same names stand in both languages, `lower(x)` and `x | lower`.
--- wrong
- filter: len(payload.lines) > 3
--- mended
- filter: length(payload.lines) > 3

=== argument
A call that cannot work

Too few or too many arguments, or one that is written out and can never be right: a pattern, a zone, a
duration, a key.
--- wrong
- transform: format_date(payload.at, 'YYYY-MM-DD')
--- mended
- transform: format_date(payload.at, '%Y-%m-%d')

=== method
A value has no methods

Templates call functions and filters, never methods of a value: `payload.items` is always the field.
--- wrong
- template: "{{ payload.name.upper() }}"
--- mended
- template: "{{ payload.name | upper }}"

=== pipe
A function behind a pipe

In JMESPath a name behind `|` is a field of what stands before it. A function is called with
parentheses, `@` being what stands before the pipe. In templates `x | upper` is right.
--- wrong
- transform: payload.name | upper
--- mended
- transform: upper(payload.name)

=== jmespath
JMESPath in a template

`[]`, `[?…]` and backticks are of expressions. In a template filters do it, or a `transform` step
before it.
--- wrong
- template: "{{ payload.lines[].sku }}"
--- mended
- template: "{{ payload.lines | map(attribute='sku') | join(', ') }}"

=== dialect
How another product writes it

`${{ }}` and `steps.x.outputs.y` are of GitHub Actions, `$json` and `$('Node')` of n8n, `{{1.name}}` of
Make, `{{#if}}` of Handlebars. The body is `payload`, the request `event`, an output `steps.<id>`.
--- wrong
- filter: $json.body.total > 100
--- mended
- filter: payload.total > 100

=== inner-root
A name of the file inside brackets

Inside `[? ]`, and in a key such as that of `group_by`, bare names are fields of the item. What the
file knows stands behind `$`.
--- wrong
vars: {minimum: 10}
steps:
  - transform: payload.lines[?price > vars.minimum]
--- mended
vars: {minimum: 10}
steps:
  - transform: payload.lines[?price > $.vars.minimum]

=== list-field
A field of a list

A list has items and no fields: `lines[].sku` takes the field of each. It is said where the list is
known: by the trigger's `schema`, in `vars`, of a loop, or in all events that came.
--- wrong
vars:
  people: [{name: Ada}, {name: Bo}]
steps:
  - transform: vars.people.name
--- mended
vars:
  people: [{name: Ada}, {name: Bo}]
steps:
  - transform: vars.people[].name

=== text-in-transform
A text where an expression is read

The texts of a `transform` are expressions. For a text itself there are quotes in quotes, or
`template`.
--- wrong
- transform: {kind: shopify}
--- mended
- transform: {kind: "'shopify'"}

=== text-order
A number in quotes

Between quotes it is a text, and texts are ordered by the alphabet, in which '9' comes after '10'.
--- wrong
- filter: payload.total > '100'
--- mended
- filter: to_number(payload.total) > 100

=== condition
A condition that is always the same

A number always holds, also 0, and so does a text that is not empty. `true` and `false` may stand
there, to turn something off for a while.
--- wrong
- if: "'paid'"
  template: Thank you
--- mended
- if: payload.status == 'paid'
  template: Thank you

=== html
An expression goes into a page unescaped

What a sender wrote would be markup of your page, scripts included. `| escape` shows it as text,
`| safe_html` lets harmless markup through.
--- wrong
trigger: {webhook: {answer: result}}
steps:
  - respond:
      headers: {content-type: text/html}
      body: "<p>Hello {{ payload.name }}</p>"
--- mended
trigger: {webhook: {answer: result}}
steps:
  - respond:
      headers: {content-type: text/html}
      body: "<p>Hello {{ payload.name | escape }}</p>"

=== absent-path
A field that was in no event

The last events of this workflow, forty at most, do not have it. Most often it is misspelt; where it
may be missing, say what stands instead. This is looked for with `--data`, and by the server.
--- wrong
- template: "{{ payload.custmer.email }}"
#! events [{"customer": {"email": "ada@example.com"}}]
--- mended
- template: "{{ payload.customer.email }}"
#! events [{"customer": {"email": "ada@example.com"}}]

=== text-number
A text is compared with a number

In all of the last events this field was a text, such as "120.50". Ordering a text against a number
fails; `to_number` makes one of it.
--- wrong
- filter: payload.total > 100
#! events [{"total": "120.50"}]
--- mended
- filter: to_number(payload.total) > 100
#! events [{"total": "120.50"}]
"""
