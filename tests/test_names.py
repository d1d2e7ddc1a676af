"""The search behind the team communicator: what matches, what comes first, and that changes are seen at once."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sms_transfer import Target, names, slots
from sms_transfer.core.model import TargetKind
from sms_transfer.folding import fold
from sms_transfer.names import Matches, NameIndex

LIKE = {"ł": "l", "đ": "d", "ð": "d", "ø": "o", "æ": "ae", "œ": "oe", "\u0131": "i", "þ": "th", "ħ": "h"}
APOSTROPHES = "ʼʻ"  # noqa: RUF001
NASTY = ("\ud800", "\x00", "\x00a", "😀", "\u202eabc", "\u0301", "'", "---", "\ufe0f", "\U0010ffff", "\udfff\ud800")


def found(text: str, *called: str) -> list[str]:
    """Which of these names a search for the text finds, in its order."""
    index = NameIndex((Target.agent(f"#{number}"), name) for number, name in enumerate(called))
    return [called[int(target.id[1:])] for target in index.search(text, kinds=None, limit=len(called)).targets]


def search(index: NameIndex, text: str) -> list[str]:
    """The ids of all that a search finds."""
    return [target.id for target in index.search(text, kinds=None, limit=len(index)).targets]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("bo", "Bob Stone"),
        ("sto", "Bob Stone"),
        ("st bo", "Bob Stone"),
        ("BOB", "Bob Stone"),
        ("b bo bob", "Bob Stone"),
        ("stone, bob", "Bob Stone"),
        ("angstrom", "Anders Ångström"),
        ("ÅNGSTRÖM", "Anders Angstrom"),
        ("strasse", "Straße"),
        ("STRAẞE", "Strasse"),
        ("lukasz", "Łukasz"),
        ("soren", "Søren"),
        ("aesop", "Æsop"),
        ("istanbul", "İstanbul"),
        ("isik", "I\u015f\u0131k"),
        ("Ｂｏｂ", "Bob"),  # noqa: RUF001 - full width
        ("οδυσσευς", "ΟΔΥΣΣΕΎΣ"),
        ("οδυσσεύσ", "Οδυσσεύς"),
        ("сергей", "Сергей Королёв"),
        ("королев", "Сергей Королёв"),
        ("محمد", "مُحَمَّد"),
        ("عبد", "عـبـد الله"),
        ("שלום", "שָׁלוֹם"),
        ("गीता", "गीता शर्मा"),
        ("김", "김민준"),
        ("ㄱ", "김민준"),
        ("기", "김민준"),
        ("王小", "王小明"),
        ("小明", "王小明"),
        ("明", "王小明"),
        ("太郎", "山田太郎"),
        ("辻", "辻\U000e0100 愛"),
        ("辻\U000e0100愛", "辻愛"),
        ("カナ", "ｶﾅ"),
        ("obrien", "Pat O'Brien"),
        ("o'brien", "Pat O'Brien"),
        ("o’brien", "Pat O'Brien"),  # noqa: RUF001
        ("brien", "Pat O’Brien"),  # noqa: RUF001
        ("мар'яна", "Марʼяна"),
        ("марьяна"[:3], "Марʼяна"),
        ("jeanluc", "Jean-Luc"),
        ("jean luc", "Jean-Luc"),
        ("رضا", "علی‌رضا"),
        ("علیرضا", "علی‌رضا"),
    ],
)
def test_t2_a_target_is_found_by_the_beginning_of_its_words(text: str, name: str) -> None:
    """T2: whatever the case, the accents, the script and the punctuation."""
    assert [name] == found(text, name, "Zz Qq")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ob", "Bob"),
        ("bob x", "Bob Stone"),
        ("bobs", "Bob Stone"),
        ("王明", "王小明"),
        ("राम", "रमा"),
        ("민", "김민준"),
    ],
)
def test_t2_a_target_is_not_found_by_anything_else(text: str, name: str) -> None:
    """T2: not by the middle or more than all of a word, nor by one word of two; and vowel signs are letters."""
    assert [] == found(text, name)


def test_t2_a_target_is_found_by_its_id() -> None:
    """T2: the words of the text may be of the name and of the id."""
    index = NameIndex([(Target.agent("a-000123"), "Bob"), (Target.agent("a-000124"), "Bob")])
    for text in ("a-000123", "A000123", "000123", "bob 000123", "a-0001 000123"):
        assert ["a-000123"] == search(index, text)


@pytest.mark.parametrize("text", ["", " ", "\t\n", "'", " - , ", "😀", "\ud800", "\0", "\u0301"])
def test_t2_a_text_without_words_matches_everything(text: str) -> None:
    """T2: in the order of names, whatever it is made of."""
    assert ["Åsa", "Bob", "Zoë"] == found(text, "Zoë", "Bob", "Åsa")


def test_t2_the_best_comes_first() -> None:
    """T2: who is called so, then who is called so and more, then everybody else; each in the order of names."""
    called = ["Zoë Ann", "Anna", "Bea Ann", "ANN", "Ann-Kathrin", "Ann Zorn"]
    assert ["ANN", "Ann Zorn", "Anna", "Ann-Kathrin", "Bea Ann", "Zoë Ann"] == found("ann", *called)
    assert ["O’Neil", "O'Neill", "Neil O"] == found("o'neil", "Neil O", "O'Neill", "O’Neil")[:3]  # noqa: RUF001


def test_t2_an_id_that_is_the_whole_text_comes_first() -> None:
    """T2: as much as a name that is."""
    index = NameIndex([(Target.agent("x-1"), "Zoë"), (Target.agent("x"), "X-1 Bob"), (Target.agent("x-11"), "Abe")])
    assert ["x-1", "x", "x-11"] == search(index, "x-1")


def test_t2_equal_names_stand_by_kind_and_id() -> None:
    """T2: so the order is the same each time."""
    targets = [Target.skill("a"), Target.queue("b"), Target.queue("a"), Target.agent("c")]
    index = NameIndex((target, "Éva") for target in targets)
    expected = (Target.agent("c"), Target.queue("a"), Target.queue("b"), Target.skill("a"))
    for text in ("", "ev", "eva"):
        assert Matches(4, expected) == index.search(text, kinds=None, limit=9)


def test_t2_only_the_kinds_that_are_asked_for_are_found() -> None:
    """T2: and only they are counted."""
    index = NameIndex([(Target.agent("a"), "Bo"), (Target.queue("q"), "Bo"), (Target.skill("s"), "Bo")])
    for text in ("", "b"):
        kinds = frozenset({TargetKind.QUEUE, TargetKind.SKILL})
        assert Matches(2, (Target.queue("q"), Target.skill("s"))) == index.search(text, kinds=kinds, limit=9)
        assert Matches(0, ()) == index.search(text, kinds=frozenset(), limit=9)


@pytest.mark.parametrize("limit", [-1, 0, 1, 2, 3, 1_000_000])
def test_t2_the_total_counts_what_the_limit_leaves_out(limit: int) -> None:
    """T2: a limit cuts the first page, never the total."""
    index = NameIndex((Target.agent(f"{number}"), f"Bob {number}") for number in range(3))
    for text in ("", "b"):
        matches = index.search(text, kinds=None, limit=limit)
        assert (3, tuple(Target.agent(f"{number}") for number in range(3))[: max(limit, 0)]) == (
            matches.total,
            matches.targets,
        )


def test_t2_among_some_only_they_are_found() -> None:
    """T2: the best first where there is a text, else in the order that is given; once each, and only who is there."""
    cy, bo, al = Target.agent("c"), Target.agent("b"), Target.agent("a")
    index = NameIndex([(al, "Al"), (bo, "Bo"), (cy, "Cy"), (Target.queue("q"), "Al")])
    among = [cy, al, Target.agent("nobody"), cy, bo]
    agents, queues = frozenset({TargetKind.AGENT}), frozenset({TargetKind.QUEUE})
    assert Matches(3, (cy, al, bo)) == index.search(" ", kinds=None, limit=9, among=among)
    assert Matches(3, (cy, al)) == index.search("", kinds=agents, limit=2, among=among)
    assert Matches(0, ()) == index.search("", kinds=queues, limit=2, among=among)
    assert Matches(1, (al,)) == index.search("a", kinds=None, limit=9, among=among)
    assert Matches(0, ()) == index.search("a", kinds=None, limit=9, among=[])
    assert Matches(3, ()) == index.search("", kinds=None, limit=-1, among=among)
    index.put(al, "Cyd")
    assert Matches(2, (cy, al)) == index.search("cy", kinds=None, limit=9, among=among)


def test_t2_the_next_search_sees_a_change() -> None:
    """T2: an agent comes, gets another name, and goes."""
    index, bob = NameIndex(), Target.agent("a-1")
    assert 0 == len(index)
    index.put(bob, "Bob")
    assert (["a-1"], ["a-1"], 1) == (search(index, "bob"), search(index, "a-1"), len(index))
    index.put(bob, "Robert")
    assert ([], ["a-1"], ["a-1"]) == (search(index, "bob"), search(index, "rob"), search(index, "a-1"))
    index.put(bob, "Robert")
    index.discard(bob)
    index.discard(bob)
    assert ([], [], 0) == (search(index, "rob"), search(index, ""), len(index))


def test_t2_the_last_name_of_a_target_counts() -> None:
    """T2: whoever is named twice from the beginning is one target."""
    index = NameIndex([(Target.agent("a"), "Bob"), (Target.agent("a"), "Rob")])
    assert (1, ["a"], []) == (len(index), search(index, "r"), search(index, "b"))


def test_a6_no_name_is_in_a_repr() -> None:
    """A6: names stay with whoever may read them."""
    entry = NameIndex([(Target.agent("a"), "Secret")])._entries[0]  # noqa: SLF001
    assert "ecret" not in repr(entry)


@pytest.mark.parametrize("text", [None, 5, b"bob"])
def test_t2_a_name_that_is_none_changes_nothing(text: object) -> None:
    """T2, F7: a type error is raised before anything is entered."""
    index = NameIndex([(Target.agent("a"), "Bob")])
    with pytest.raises((AttributeError, TypeError)):
        index.put(Target.agent("a"), text)  # type: ignore[arg-type] # that is the point
    assert ["a"] == search(index, "b")


@pytest.mark.parametrize("name", NASTY)
def test_t2_any_name_and_any_text_will_do(name: str) -> None:
    """T2: half characters, NULs, emoji: no exception, and what is entered can be seen and taken out."""
    index = NameIndex([(Target.agent("x"), name)])
    index.put(Target.agent("y"), name * 3)
    for text in (name, name * 5_000, *NASTY):
        index.search(text, kinds=None, limit=9)
    assert ["x", "y"] == sorted(search(index, ""))
    index.discard(Target.agent("x"))
    assert ["y"] == search(index, "")


@pytest.mark.parametrize(
    "text",
    [
        "b" * 10_000,
        "b " * 5_000,
        " " * 10_000,
        "'" * 10_000,
        "\u0301" * 10_000,
        "\ufdfa" * 10_000,
        "".join(f"{n:x} " for n in range(3_000)),
    ],
)
def test_t2_a_very_long_text_is_answered_truthfully(text: str) -> None:
    """T2: with what matches every word of it."""
    called = {Target.agent("z"): "Bob", Target.agent("y"): "Zoë"}
    index = NameIndex(called.items())
    assert naive(called, text) == list(index.search(text, kinds=None, limit=9).targets)


def test_t2_more_words_than_any_name_has_are_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """T2: for of these no two can begin the same word, and nothing has so many."""
    index = NameIndex([(Target.agent("z"), "Bob Stone")])
    looked: list[str] = []

    def between(low: str, _: str) -> int:
        looked.append(low)
        return 1

    monkeypatch.setattr(index._by_word, "between", between)  # noqa: SLF001
    assert 0 == index.search("b s z a", kinds=None, limit=9).total
    assert [] == looked
    index.search("b s bo bob st sto", kinds=None, limit=9)
    assert ["bob", "sto"] == sorted(looked)


# What is documented, once more, written down as plainly as can be.


def folded(text: str) -> list[str]:
    """One string a character: "" for a mark that goes, "-" for punctuation, " " for a space."""
    return [_folded(character) for character in text]


def _folded(character: str) -> str:
    if character in APOSTROPHES:
        return "-"
    if "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef" or character == "ـ":
        return ""
    out = ""
    for part in unicodedata.normalize("NFKD", character):
        if unicodedata.combining(part):
            continue
        if part.isspace():
            out += " "
        elif part.isalnum() or unicodedata.category(part) in {"Mn", "Mc", "Me"}:
            small = "".join(LIKE.get(letter, letter) for letter in part.casefold())
            out += small if small == character else "".join(folded(small))
        else:
            out += "-"
    return out


def _words(text: str) -> list[str]:
    """Every ending of what stands between two spaces that begins with a word."""
    found: list[str] = []
    for chunk in "".join(folded(text)).split():
        for at, letter in enumerate(chunk):
            ideograph = "CJK" in unicodedata.name(letter, "") and "IDEOGRAPH" in unicodedata.name(letter, "")
            if letter != "-" and (at == 0 or chunk[at - 1] == "-" or ideograph):
                found.append(chunk[at:].replace("-", ""))
    return found


def _line(text: str) -> str:
    return " ".join("".join(folded(text)).replace("-", "").split())


def naive(called: dict[Target, str], text: str, among: Collection[Target] | None = None) -> list[Target]:
    """All that matches, best first, by looking at each."""
    wanted, line = "".join(folded(text)).replace("-", " ").split(), _line(text)
    hits = [
        target
        for target, name in called.items()
        if (among is None or target in among)
        and all(any(word.startswith(want) for word in _words(name) + _words(target.id)) for want in wanted)
    ]

    def order(target: Target) -> tuple[int, str, str, str]:
        name = _line(called[target])
        tier = 1 if line in {name, _line(target.id)} else 2 if name.startswith(line) else 3
        return (tier if wanted else 0, name, target.kind.value, target.id)

    if among is not None and not wanted:
        return [target for target in dict.fromkeys(among) if target in hits]
    return sorted(hits, key=order)


@contextmanager
def small_blocks() -> Iterator[None]:
    """Blocks so short that a dozen names are many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slots, "_LEAST", 4)
        patch.setattr(slots, "_WIDTH", 0)
        patch.setattr(names, "_FEW", 3)
        yield


ALPHABET = "aaabbB  '-1Åßøй王明김क\u093e\u0301ʼ\0\ud800😀"  # noqa: RUF001
texts = st.text(ALPHABET, max_size=7) | st.text(max_size=5)
ids = st.text("ab- A1王", min_size=1, max_size=3)
targets = st.builds(Target, st.sampled_from(TargetKind), ids)
changes = st.lists(st.tuples(targets, texts | st.none(), texts), max_size=40)


@given(st.dictionaries(targets, texts, max_size=20), changes, st.integers(0, 30), st.lists(targets, max_size=6))
@example(
    dict.fromkeys(map(Target.agent, "abcdefghijklmnopqrstuvwxyz"), "b a"), [(Target.agent("a"), "b a c", "b a")], 20, []
)
def test_t2_search_is_what_is_documented_whatever_changes(
    called: dict[Target, str], changed: list[tuple[Target, str | None, str]], limit: int, among: list[Target]
) -> None:
    """T2: names come, change and go between searches, and each search is as if it had looked at each name."""
    called = dict(called)
    with small_blocks():
        index = NameIndex(called.items())
        for target, name, text in [(Target.agent("a"), "b", ""), *changed, (Target.agent("a"), None, "b")]:
            if name is None:
                index.discard(target)
                called.pop(target, None)
            else:
                index.put(target, name)
                called[target] = name
            expected = naive(called, text)
            assert Matches(len(expected), tuple(expected[:limit])) == index.search(text, kinds=None, limit=limit)
            some = [*among, *list(called)[::2]]
            expected = naive(called, text, some)
            assert Matches(len(expected), tuple(expected[:limit])) == index.search(
                text, kinds=None, limit=limit, among=some
            )
            assert len(called) == len(index)


def test_t2_many_names_come_and_go_in_any_order() -> None:
    """T2: a word that very many share, and blocks that grow, split, shrink and join."""
    with small_blocks():
        index, called = NameIndex(), dict[Target, str]()
        for number in range(300):
            target, name = Target.agent(f"{number}"), f"Agent {number * 7 % 300}"
            index.put(target, name)
            called[target] = name
        assert naive(called, "agent 1") == list(index.search("agent 1", kinds=None, limit=300).targets)
        for number in range(300):
            gone = Target.agent(f"{number * 11 % 300}")
            index.discard(gone)
            del called[gone]
            if number % 50 == 0:
                assert naive(called, "agent") == list(index.search("agent", kinds=None, limit=300).targets)
        assert 0 == len(index)
        assert 1 == len(index._by_word.blocks)  # noqa: SLF001 - what is gone takes no room


@given(st.text(max_size=20), st.text(max_size=20))
def test_t2_folding_is_done_once_and_letter_by_letter(one: str, other: str) -> None:
    """T2: so that the beginning of a name, as one types it, folds to the beginning of the folded name."""
    assert fold(one) + fold(other) == fold(one + other)
    assert fold(one) == fold(fold(one)) == "".join(folded(one))
