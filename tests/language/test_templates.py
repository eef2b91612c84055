"""Templates give data or text by the rules of the language, and are no way out of it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.errors import ExpressionError, LanguageError, LimitExceeded
from runner.language.scope import Scope
from runner.language.secrets import SecretSlots
from runner.language.shapes import ShapeFault
from runner.language.templates import compile_template
from runner.values import Json

PAYLOAD = {
    "n": 7, "f": 2.0, "yes": True, "nothing": None, "total": "150", "text": "a<b>",
    "items": [{"sku": "A"}, {"sku": "B"}], "keys": "k", "values": "v",
}  # fmt: skip
SECRETS = SecretSlots({"KEY": "abc", "key": "other"})
SCOPE = Scope(
    names={"payload": PAYLOAD, "steps": {"order": {"id": 1}}, "event": {"headers": {"x-a": "h"}}}, now=0.0
)


def render(source: Json, scope: Scope = SCOPE, **options: Json) -> Json:
    return compile_template(source, **options).render(scope)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ payload.n }}", 7),
        ("  {{ payload.items }}\n", PAYLOAD["items"]),
        ("{{ payload.nothing }}", None),
        ("{{ payload.yes }}", True),
        ("n={{ payload.n }}", "n=7"),
        ("{{ payload.n }}{{ payload.n }}", "77"),
        ("[{{ payload.nothing }}|{{ payload.yes }}|{{ payload.f }}|{{ payload.items }}]",
         '[|true|2|[{"sku":"A"},{"sku":"B"}]]'),
        ("{{ 'a' ~ none ~ payload.yes ~ payload.f }}", "atrue2"),
        ("007", "007"),
        ("{{ '007' }}", "007"),
        ("text with a break\n", "text with a break\n"),
        ("{{ payload.n }} and a break\n", "7 and a break\n"),
        ("{{ payload.items.0.sku }} {{ payload.keys }}{{ payload.values }}", "A kv"),
        ("{{ event.headers['x-a'] }}", "h"),
        ("{{ payload.items | map(attribute='sku') | join(', ') }}", "A, B"),
        ("{{ payload.items | selectattr('sku', 'eq', 'B') }}", [{"sku": "B"}]),
        ("{{ [1, 2, 3] | select('gt', 1) }}", [2, 3]),
        ("{{ [1, 2] | batch(1) }}", [[1], [2]]),
        ("{{ [1, 2] | reverse }}", [2, 1]),
        ("{{ {'b': 1, 'a': 2} | dictsort }}", [["a", 2], ["b", 1]]),
        ("{{ payload.a.b.c | default('d') }}", "d"),
        ("{{ payload.nothing | default('d') }}", "d"),
        ("{{ absent | default('d') }}", "d"),
        ("{{ payload.nope is defined }}", False),
        ("{{ coalesce(payload.nope, payload.nothing, 3) }}", 3),
        ("{{ 'big' if payload.n > 3 }}", "big"),
        ("{{ 'big' if payload.n > 30 }}", None),
        ("{% for i in payload.items %}{{ loop.index }}{{ i.sku }}{% endfor %}", "1A2B"),
        ("{% set x = payload.n + 1 %}{{ x }}", "8"),
        ("{% macro m(a) %}<{{ a }}>{% endmacro %}{{ m(1) }}", "<1>"),
        ("{{ 6 / 3 }}", 2),
        ("{# nothing #}{{ payload.n }}", 7),
        ("{{ payload.text }}!", "a<b>!"),
        ({"a": "{{ payload.n }}", "b": [1, "x{{ payload.n }}"], "c": True},
         {"a": 7, "b": [1, "x7"], "c": True}),
    ],
)  # fmt: skip
def test_a_template_gives(source: Json, value: Json) -> None:
    assert render(source) == value


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ payload.totl }}", "no field `totl` here; did you mean `total`"),
        ("{{ total }}", "did you mean `payload.total`"),
        ("{{ payload.a.b }}", "no field `a`"),
        ("{{ payload.nothing.b }}", "is null"),
        ("{{ payload.items.sku }}", "map\\(attribute='sku'\\)"),
        ("{{ payload.items.9 }}", "the list has 2 items"),
        ("{{ payload.total > 100 }}", "'150' > 100 orders a text against a number"),
        ("{{ payload.total + 1 }}", "not made of numbers"),
        ("{{ payload.nope ~ 'a' }}", "no field `nope`"),
        ("{{ [payload.nope] }}", "no field `nope`"),
        ("{{ payload.nope | upper }}", "no field `nope`"),
        ("{{ payload.items | map(attribute='no') | join }}", "no field `no`"),
        ("{{ 1 / 0 }}", "divides by zero"),
        ("{{ {1: 2} }}", "keys are texts"),
        ("{{ now }}", "call it"),
        ("{{ range(99999) }}", "range"),
        ("{{ 1[:2] }}", "no parts to take"),
        ("{{ payload.nope[1:] }}", "no field `nope`"),
        ("{% for i in payload.nope %}{% endfor %}", "no field `nope`"),
        ("{{ 1 in 5 }}", "cannot be rendered"),
        ("{{ secrets.KEY }}", "only in templates under an action's `with`"),
    ],
)
def test_what_fails_says_why_and_where(source: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=f"^text: .*{message}"):
        render({"text": source})


@pytest.mark.parametrize(
    ("source", "line", "column", "message"),
    [
        ("{{ payload | uper }}", 1, 14, "did you mean `upper`"),
        ("a\nb {{ 1 is strng }}", 2, 11, "did you mean `string`"),
        ("{{ payload.", 1, 1, "."),
        ("{% if %}{% endif %}", 1, 1, "."),
        ("{{ lower() }}", 1, 1, "needs text"),
        ("{{ secrets }}", 1, 1, "secrets.NAME"),
        ("{{ secrets[payload.n] }}", 1, 1, "secrets.NAME"),
        ("{% set secrets = 1 %}", 1, 1, "secrets.NAME"),
        ("{{ x " + "(" * 500, 1, 1, "."),
        ("{{ " + "[" * 500 + "]" * 500 + " }}", 1, 1, "nested too deep"),
        ("{{ " + "-" * 5000 + "1 }}", 1, 1, "nested too deep"),
        ("{% if 1 %}" * 200 + "{% endif %}" * 200, 1, 1, "nested too deep"),
        ("{{ x }}" + "a" * 66000, 1, 1, "64 KiB"),
    ],
)
def test_a_fault_has_its_place(source: str, line: int, column: int, message: str) -> None:
    with pytest.raises(ShapeFault, match=message) as caught:
        compile_template({"ok": "{{ payload }}", "bad": source})
    [fault] = caught.value.faults
    assert (fault.path, fault.line, fault.column) == (("bad",), line, column)


ESCAPES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ''['__class__'] }}",
    "{{ payload['__class__'] }}",
    "{{ payload.__class__.__base__ }}",
    "{{ ''|attr('format') }}",
    "{{ ''|attr('__class__') }}",
    "{{ '{0.__class__}'.format(payload) }}",
    "{{ '{a.__class__}'.format_map({'a': payload}) }}",
    "{{ ['{0.__class__}'.format] | map('call') }}",
    "{% set f = '{0.__class__}'.format %}{{ f(payload) }}",
    "{{ ('{0.__class__}'.format | string)(payload) }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ joiner.__init__.__globals__ }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ lipsum.__globals__['os'] }}",
    "{{ lipsum(9) }}",
    "{{ dict(a=1) }}",
    "{{ self }}",
    "{{ self.__init__.__globals__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ super() }}",
    "{% for i in [1] %}{{ loop.__class__ }}{% endfor %}",
    "{% for i in [1] %}{{ loop.cycle('a') }}{% endfor %}",
    "{% for i in [1] %}{{ loop._iterable }}{% endfor %}",
    "{% for i in [1] %}{{ loop }}{% endfor %}",
    "{% macro m() %}{% endmacro %}{{ m.__init__ }}",
    "{% macro m() %}{% endmacro %}{{ m._func }}",
    "{% macro m() %}{{ caller.__globals__ }}{% endmacro %}{% call m() %}{% endcall %}",
    "{{ range.__self__ }}",
    "{{ now.__globals__ }}",
    "{{ lower.__wrapped__ }}",
    "{{ payload.items.append(1) }}",
    "{{ payload.update({'a': 1}) }}",
    "{{ payload.total.upper() }}",
    "{{ payload | map('__class__') }}",
    "{{ [payload] | map(attribute='__class__') | list }}",
    "{{ [payload] | sort(attribute='__class__.__name__') | map(attribute='__class__') }}",
    "{{ [payload] | groupby('__class__') }}",
    "{{ {'a': 1} | xmlattr }}",
    "{{ payload | pprint }}",
    "{{ [1] | random }}",
    "{{ 'x' | center(1000000000) }}",
    "{{ '%1000000000d' | format(1) }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ 'x' | wordwrap(1) }}",
    "{{ 'http://x' | urlize }}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}",
    "{% from 'os' import popen %}",
    "{% extends 'x' %}",
    "{% block a %}{% endblock %}",
    "{% autoescape false %}{{ payload.text }}{% endautoescape %}",
    "{% set ns.a = 1 %}",
    "{% debug %}",
    "{% do payload %}",
    "{{ __builtins__ }}",
    "{{ _ }}",
    "{{ context }}",
    "{{ environment }}",
    "{{ payload is callable }}",
    "{{ payload is filter }}",
    "{{ 1 | safe }}",
]


@pytest.mark.parametrize("source", ESCAPES)
@pytest.mark.parametrize("html", [frozenset(), frozenset({"text"})], ids=["text", "html"])
def test_no_published_way_out_of_the_sandbox_works(source: str, html: frozenset[str]) -> None:
    """Sources: CVE-2016-10745, CVE-2019-10906, CVE-2024-56201, CVE-2024-56326, CVE-2025-27516."""
    with pytest.raises(LanguageError):
        render({"text": source}, html=html)


@pytest.mark.parametrize(
    "source",
    [
        "{{ 7 ** 30000000 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ 'x' | center(300000000) }}",
        "{{ '%300000000d' | format(1) }}",
        "{{ 'x' * 300000000 }}",
        "{% if 7 ** 30000000 %}{% endif %}",
        "{% autoescape 7 ** 30000000 %}{% endautoescape %}",
        "{% macro m(a=7 ** 30000000) %}{% endmacro %}",
        "{{ range(30000000) | list | length }}",
    ],
)
@pytest.mark.parametrize("html", [frozenset(), frozenset({"text"})], ids=["text", "html"])
def test_nothing_is_worked_out_when_a_template_is_compiled(source: str, html: frozenset[str]) -> None:
    started = time.process_time()
    try:
        shape = compile_template({"text": f"a {source}"}, html=html)
    except ShapeFault:
        pass
    else:
        assert not shape.is_plain
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize(
    "source",
    [
        "constant",
        "{{ payload.n }} {{ payload.items[0].sku | upper }} {{ steps.order.id | default('') }}",
        "{{ payload.items | map(attribute='sku') | join(', ') }}",
        "{% if payload.n > 3 %}a{% elif payload.total == 'x' %}b{% else %}{{ payload.n + 1 }}{% endif %}",
        "{{ payload.n in [1, 2] }}",
        "{{ coalesce(payload.a, 'b') }} {{ format_date(now(), '%d.%m.%Y') }}",
        "{{ payload.total[:2] ~ '…' }}",
    ],
)
def test_these_are_plain(source: str) -> None:
    assert compile_template(source).is_plain


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in payload %}{% endfor %}",
        "{% set x = 1 %}",
        "{% macro m() %}{% endmacro %}",
        "{{ payload.n * 2 }}",
        "{{ payload.n ** 2 }}",
        "{{ payload.a == payload.b }}",
        "{{ payload.items | map('upper') }}",
        "{{ payload | indent(4) }}",
        "{{ [payload, payload] }}",
        "{{ lower(*payload) }}",
        "{{ range(3) }}",
    ],
)
def test_these_are_not_plain(source: str) -> None:
    assert not compile_template(source).is_plain


def test_a_plain_template_is_bounded_too() -> None:
    shape = compile_template("{{ payload | tojson | length }}" * 1500)
    assert shape.is_plain
    started = time.process_time()
    with pytest.raises(LimitExceeded):
        shape.render(Scope(names={"payload": ["x" * 10] * 30_000}, now=0.0))
    assert time.process_time() - started < 1


def test_an_output_past_its_bound_is_refused() -> None:
    big = Scope(names={"payload": "x" * 600_000}, now=0.0)
    assert len(render("{{ payload }}", big)) == 600_000
    with pytest.raises(LimitExceeded, match="output"):
        render("{{ payload }} {{ payload }}", big)
    with pytest.raises(LimitExceeded, match="output"):
        render(["{{ payload }}", "{{ payload }}"], big)


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="{}%# ab7*'\"|\\\n\r\ufdd0", max_size=30) | st.text(max_size=30))
def test_the_text_of_a_payload_comes_out_as_it_came_in_and_is_never_rendered(text: str) -> None:
    scope = Scope(names={"payload": {"text": text}}, now=0.0, secrets=SECRETS)
    assert render("{{ payload.text }}", scope) == text
    assert render("<{{ payload.text }}>", scope) == f"<{text}>"
    assert render({"a": "{{ payload }}"}, scope) == {"a": {"text": text}}
    assert render("{{ payload.text ~ '' }}", scope) == text
    again = Scope(names={"payload": {"text": render("{{ payload.text }}", scope)}}, now=0.0)
    assert render("{{ payload.text }}", again) == text


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="{}%-# ab.|()[]'~+1", max_size=40))
def test_no_source_escapes_as_another_error(source: str) -> None:
    try:
        shape = compile_template(source)
        if shape.is_plain:
            shape.render(SCOPE)
    except LanguageError:
        pass


def test_an_input_that_renders_to_null_is_left_out_where_asked() -> None:
    source = {
        "a": "{{ payload.nothing }}",
        "b": {"c": "{{ payload.nothing }}"},
        "d": "x{{ payload.nothing }}",
    }
    assert render(source, drop_null=True) == {"b": {"c": None}, "d": "x"}
    assert render(source) == {"a": None, "b": {"c": None}, "d": "x"}
    assert render("{{ {'a': none, 'b': 1} }}", drop_null=True) == {"b": 1}


def test_a_name_that_one_text_sets_is_unknown_in_the_next() -> None:
    with pytest.raises(ExpressionError, match=r"^b: there is no `x` here"):
        render({"a": "{% set x = 1 %}{{ x }}", "b": "{{ x }}"})


@pytest.mark.parametrize("path", ["payload.a['']['b c'].d", "payload['a'][''].get", "payload.a[''].items[1]"])
def test_a_path_goes_through_fields_of_any_name(path: str) -> None:
    inner = {"b c": {"d": 7}, "get": 7, "items": [0, 7]}
    assert render(f"{{{{ {path} }}}}", Scope(names={"payload": {"a": {"": inner}}}, now=0.0)) == 7


def test_html_is_escaped_per_expression_in_the_inputs_marked_so() -> None:
    source = {"html": "<p>{{ payload.text }}</p>", "text": "<p>{{ payload.text }}</p>"}
    assert render(source, html=frozenset({"html"})) == {"html": "<p>a&lt;b&gt;</p>", "text": "<p>a<b></p>"}


@pytest.mark.parametrize(
    "source",
    [
        "{{ payload.text }}",
        "{{ payload.text | default('') }}",
        "{{ payload.text | replace('x', 'y') }}",
        "{{ 'a' ~ payload.text[1:] }}",
        "{{ [payload.text] | join }}",
        "{{ payload.text if true }}",
        "{% set x = payload.text %}{{ x }}",
        "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(payload.text) }}",
        "{% filter trim %}{{ payload.text }}{% endfilter %}",
    ],
)
def test_no_way_of_writing_it_gets_a_tag_into_html(source: str) -> None:
    assert "<" not in render({"html": source}, html=frozenset({"html"}))["html"]
    assert "<" not in render("{{ {'html': payload.text} }}", html=frozenset({"html"}))["html"]


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("<b>a</b> & <i>b", "<b>a</b> &amp; <i>b</i>"),
        ("<script>alert(1)</script>x", "x"),
        ("<img src=x onerror=alert(1)>x", "x"),
        ("<a href='javascript:alert(1)' onclick=x>a</a>", "<a>a</a>"),
        ("<a href=' jAvA\nscript:alert(1)'>a</a>", "<a>a</a>"),
        ("<a href='https://x/?a=1&b=\"'>a</a>", '<a href="https://x/?a=1&amp;b=&quot;">a</a>'),
        ("</p></div><p>a", "<p>a</p>"),
        ("<svg><b>x</b></svg>y", "y"),
        ("<!-- <b> -->a&lt;b&gt;", "a&lt;b&gt;"),
        ("<scr<script>ipt>x", "ipt&gt;x"),
        ("<b style='x'>a</b>", "<b>a</b>"),
    ],
)
def test_safe_html_lets_through_what_cannot_run(text: str, clean: str) -> None:
    scope = Scope(names={"payload": text}, now=0.0)
    assert render({"html": "{{ payload | safe_html }}"}, scope, html=frozenset({"html"})) == {"html": clean}


WITH_SECRETS = Scope(names=SCOPE.names, now=0.0, secrets=SECRETS)


def test_a_secret_is_a_slot_that_the_call_fills() -> None:
    shape = compile_template({"header": "Bearer {{ secrets.KEY }}", "whole": "{{ secrets['KEY'] }}"})
    value = shape.render(WITH_SECRETS)
    assert shape.secret_names == {"KEY"}
    assert SECRETS.filled(value) == {"header": "Bearer abc", "whole": "abc"}
    assert SECRETS.shown(value) == {"header": "Bearer {{ secrets.KEY }}", "whole": "{{ secrets.KEY }}"}


def test_a_secret_may_be_hashed() -> None:
    hashed = render("{{ hmac_sha256('text', secrets.KEY) }}", WITH_SECRETS)
    assert hashed == render("{{ hmac_sha256('text', 'abc') }}", WITH_SECRETS)


@pytest.mark.parametrize(
    "source",
    [
        "{{ secrets.KEY | upper }}",
        "{{ secrets.KEY | base64 }}",
        "{{ ('x' ~ secrets.KEY) | urlencode }}",
        "{{ secrets.KEY[:9] }}",
        "{{ secrets.KEY | reverse }}!",
        "{{ {'a': secrets.KEY[:12]} }}",
    ],
)
def test_a_secret_cannot_be_changed(source: str) -> None:
    with pytest.raises(ExpressionError, match="a secret can only be put in as it is"):
        render(source, WITH_SECRETS)


def test_an_unknown_secret_says_how_it_is_set() -> None:
    with pytest.raises(
        ExpressionError,
        match='there is no secret "NOPE" on this server; set it with: hookline secrets set NOPE',
    ):
        render("{{ secrets.NOPE }}", WITH_SECRETS)


def test_a_payload_cannot_name_a_secret() -> None:
    scope = Scope(names={"payload": "{{ secrets.KEY }} \ufdd0:KEY\ufdd1"}, now=0.0, secrets=SECRETS)
    value = render("{{ payload }} {{ secrets.KEY }}", scope)
    assert SECRETS.filled(value) == "{{ secrets.KEY }} \ufdd0:KEY\ufdd1 abc"


def test_references_name_what_is_read_with_its_place() -> None:
    shape = compile_template(
        {
            "a": "x\n{{ steps.order.id }}{% for item in item.list %}{{ item.x }}{% endfor %}",
            "b": ["{{ lower(vars['min']) }}", "{% set local = 1 %}{{ local }}{{ now() }}"],
        }
    )
    assert shape.roots == {"steps", "item", "vars"}
    assert shape.step_ids == {"order"}
    found = {(one.kind, one.name, one.path, one.line, one.column) for one in shape.references}
    assert ("root", "steps", ("a",), 2, 4) in found
    assert ("step", "order", ("a",), 2, 10) in found
    assert ("var", "min", ("b", 0), 1, 16) in found


def test_an_input_in_html_that_renders_to_null_is_left_out_too() -> None:
    source = {"html": "{{ payload.nothing }}", "text": "a"}
    assert render(source, html=frozenset({"html"}), drop_null=True) == {"text": "a"}
