"""HTML reduced to what a marketplace takes, and text cut at a word."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.domain.text import clean_html, cut, cut_html, plain_text

# Allegro's grammar (faults of the field: anything else answers 422).
ALLEGRO = ("h1", "h2", "p", "ul", "ol", "li", "b")
TAGS = re.compile(r"<(/?)([a-zA-Z0-9]+)([^>]*)>")
HTML = st.lists(
    st.sampled_from([
        "<p>", "</p>", "<b>", "</b>", "<strong class='x'>", "</strong>", "<script>alert(1)</script>", "<img src=x onerror=y>", "<li>",
        "</ul>", "<!-- c -->", "<a href='javascript:x'>", "</a>", "&amp;", "&lt;b&gt;", "<", ">", "word ", "\u00e9\u20ac", "<style>p{}", "<br/>", "&#60;",
    ]), max_size=20,
).map("".join)  # fmt: skip


@pytest.mark.parametrize(("text", "found"), [
    ("<p onclick='x'>Hi <strong>you</strong></p>", "<p>Hi <b>you</b></p>"),
    ("<h4>Head</h4><div>in <em>a</em> box</div>", "<h2>Head</h2>in a box"),
    ("<script>alert(1)</script>ok<style>p{}</style>", "ok"),
    ("<a href='https://x.example'>link</a> 1 < 2", "link 1 &lt; 2"),
    ("<p>open", "<p>open</p>"),
])  # fmt: skip
def test_html_in_an_allowed_grammar(text, found):
    assert clean_html(text, ALLEGRO) == found


@pytest.mark.parametrize(("text", "found"), [
    ("<p>One</p><p>Two<br>Three</p>", "One\nTwo\nThree"),
    ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
    ("Fish &amp; chips &euro;5", "Fish & chips \u20ac5"),
    ("2 < 3  and   4", "2 < 3 and 4"),
    ("&lt;script&gt;", "<script>"),
    ("plain\n\n\n\ntext", "plain\n\ntext"),
])  # fmt: skip
def test_the_words_of_html(text, found):
    assert plain_text(text) == found
    assert clean_html(text, ()) == found


@settings(deadline=None)
@given(HTML)
def test_only_allowed_elements_come_through_and_cleaning_twice_changes_nothing(text):
    once = clean_html(text, ALLEGRO)
    assert clean_html(once, ALLEGRO) == once
    for _, tag, rest in TAGS.findall(once):
        assert tag in ALLEGRO
        assert not rest.strip()


@settings(deadline=None)
@given(HTML, st.integers(1, 60))
def test_html_that_is_cut_is_short_enough_and_still_clean(text, maximum):
    short = cut_html(text, ALLEGRO, maximum)
    assert len(short) <= maximum
    assert clean_html(short, ALLEGRO) == short
    opened = [tag for closing, tag, _ in TAGS.findall(short) if not closing]
    assert sorted(opened) == sorted(tag for closing, tag, _ in TAGS.findall(short) if closing)


@pytest.mark.parametrize(("text", "maximum", "found"), [
    ("one two three", 9, "one two"), ("one two three", 7, "one two"), ("one two three", None, "one two three"),
    ("abcdefghij klm", 12, "abcdefghij"), ("a bcdefghijklmnop", 10, "a bcdefghi"), ("one, two", 6, "one"),
])  # fmt: skip
def test_cut_at_a_word(text, maximum, found):
    assert cut(text, maximum) == found
