"""The texts of the simulated world carry their facts, vary, and give nobody away."""

import itertools
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score

from governance.marketplaces.simulated import words
from governance.marketplaces.simulated.chance import Bools, Draw, Floats, Ints
from governance.marketplaces.simulated.shops.categories import CATEGORIES
from governance.marketplaces.simulated.words.facts import CATEGORY_NAMES, EN, ID, colours
from governance.marketplaces.simulated.words.parts import expanded, part

SIZE = 1500
KEY = np.arange(SIZE)
DRAW = Draw(5, 3, "what happened")
LANGUAGE = DRAW.integers(KEY, 0, 3)
CATEGORY = DRAW.integers(KEY, 0, len(CATEGORIES))
LISTING = DRAW.integers(KEY, 0, 3000)
STORY = DRAW.integers(KEY, 0, len(words.STORIES))
MOVE = DRAW.integers(KEY, 0, len(words.MOVES))
RATING = DRAW.integers(KEY, 1, 6)
HALF = DRAW.happens(KEY, 0.5)
FACTS = pl.DataFrame(
    {
        "category": CATEGORY,
        "listing": LISTING,
        "story": STORY,
        "amount_minor": np.where(LANGUAGE == ID, 123_456_700, 123_456),
        "days": np.full(SIZE, 6.2),
        "author": KEY,
    }
)

Writer = Callable[[Draw, Ints, Ints, Ints], pl.Series]


def _taken(rows: Ints) -> pl.DataFrame:
    return FACTS[rows]


WRITERS: dict[str, Callable[[Draw, Ints], pl.Series]] = {
    "complaint": lambda draw, rows: words.complaint(draw, rows, LANGUAGE[rows], STORY[rows], _taken(rows)),
    "message": lambda draw, rows: words.message(draw, rows, LANGUAGE[rows], MOVE[rows], _taken(rows)),
    "review": lambda draw, rows: words.review(draw, rows, LANGUAGE[rows], RATING[rows], _taken(rows), silent=0.0),
    "title": lambda draw, rows: words.listing(draw, rows, LANGUAGE[rows], CATEGORY[rows])[0],
    "description": lambda draw, rows: words.listing(draw, rows, LANGUAGE[rows], CATEGORY[rows])[1],
    "caption": lambda draw, rows: words.caption(
        draw, rows, LANGUAGE[rows], CATEGORY[rows], listing=LISTING[rows], live=HALF[rows]
    ),
    "grounds": lambda draw, rows: words.grounds(
        draw, rows, LANGUAGE[rows], _taken(rows), against_enforcement=HALF[rows]
    ),
}

every_kind = pytest.mark.parametrize("kind", WRITERS)


def _purpose(name: str) -> Draw:
    return Draw(5, 3, name)


@every_kind
def test_a_text_depends_on_its_own_key_and_on_no_other_text(kind: str) -> None:
    all_rows, some = WRITERS[kind](_purpose(kind), KEY), KEY[::-7]
    assert WRITERS[kind](_purpose(kind), some).to_list() == all_rows.gather(some).to_list()


@every_kind
def test_every_fact_finds_its_place_and_nothing_is_left_of_the_pattern(kind: str) -> None:
    texts = WRITERS[kind](_purpose(kind), KEY)
    assert texts.null_count() == 0
    assert not texts.str.contains(r"[{}()\[\]]|  ").any()
    assert (texts.str.len_chars() > 0).all()


@every_kind
def test_nothing_is_written_where_nobody_writes(kind: str) -> None:
    assert WRITERS[kind](_purpose(kind), KEY[:0]).to_list() == []


def test_no_phrase_stands_for_a_class() -> None:
    draw = _purpose("variety")
    for story in range(len(words.STORIES)):
        texts = words.complaint(draw, KEY, LANGUAGE, np.full(SIZE, story), FACTS)
        assert texts.n_unique() > 0.8 * SIZE, words.STORIES[story]
        commonest = texts.str.to_lowercase().str.slice(0, 25).value_counts()["count"].max()
        assert commonest < 0.06 * SIZE, words.STORIES[story]


def test_complaints_carry_the_amount_the_days_and_the_goods() -> None:
    late = words.complaint(_purpose("late"), KEY, LANGUAGE, np.full(SIZE, words.STORY["late"]), FACTS)
    text = late.str.to_lowercase()
    assert text.str.contains(r"7 (days|días|dias|hari)").mean() > 0.6
    assert text.str.contains(r"1[.,]?234").mean() > 0.15
    items = words.items(LANGUAGE, CATEGORY, LISTING).to_list()
    assert np.mean([item in line for item, line in zip(items, text, strict=True)]) > 0.4


def test_unknown_facts_are_told_in_general_words() -> None:
    story = np.full(SIZE, words.STORY["late"])
    texts = words.complaint(_purpose("unknown"), KEY, LANGUAGE, story, pl.DataFrame())
    assert not texts.str.contains(r"(?i)\b(nan|none|null)\b").any()


def test_a_case_names_the_goods_as_their_listing_does() -> None:
    titles, _ = words.listing(Draw(5, 0, "listing words"), LISTING, LANGUAGE, CATEGORY)
    items = words.items(LANGUAGE, CATEGORY, LISTING).to_list()
    assert all(item.lower() in title.lower() for item, title in zip(items, titles, strict=True))


def test_a_listing_has_one_colour_wherever_it_is_named() -> None:
    english, fashion = np.full(SIZE, EN), np.full(SIZE, CATEGORY_NAMES.index("fashion"))
    titles, texts = words.listing(Draw(5, 0, "listing words"), LISTING, english, fashion)
    known = {one for one in part("things", "colours", "fashion").wordings if one}
    items, own = words.items(english, fashion, LISTING), colours(english, fashion, LISTING)
    named = [{one for one in known if f"{item} {one}" in title} for item, title in zip(items, titles, strict=True)]
    told = [{one for one in known if f", {one}." in text} for text in texts]
    assert all(found <= {colour} for found, colour in zip([*named, *told], [*own, *own], strict=True))
    assert sum(bool(one and other) for one, other in zip(named, told, strict=True)) > 20


@pytest.mark.parametrize("file", ["appeals", "captions", "cases", "listings", "messages", "reviews", "things"])
def test_no_wording_is_badly_set(file: str) -> None:
    for path in Path(words.__file__).parent.glob(f"{file}.*.toml"):
        for name, lines in tomllib.loads(path.read_text(encoding="utf-8")).items():
            for pattern in itertools.chain.from_iterable(lines.values() if isinstance(lines, dict) else [lines]):
                bad = [text for text in expanded(pattern) if re.search(r" [.,!?:]( |$)|\?\.| '(ve|ll|d|m|s) ", text)]
                assert not bad, f"{path.name}: {name}: {bad[0]!r}"


def test_hints_suit_the_goods() -> None:
    everything = np.full(SIZE, 2)
    titles, texts = words.listing(_purpose("hints"), KEY, np.full(SIZE, EN), CATEGORY, evasion=everything)
    swallowed = np.isin(CATEGORY, [CATEGORY_NAMES.index(name) for name in ("beauty", "grocery")])
    recipes = (titles + " " + texts).str.contains("(?i)recipe|half a dose|slimm|prescription").to_numpy()
    assert recipes[swallowed].mean() > 0.2
    assert not recipes[~swallowed].any()


def test_some_give_stars_only() -> None:
    texts = words.review(_purpose("silent"), KEY, LANGUAGE, RATING, FACTS, silent=0.55)
    assert 0.48 < texts.null_count() / SIZE < 0.62


def test_the_categories_are_those_of_the_shops() -> None:
    assert tuple(category.name for category in CATEGORIES) == CATEGORY_NAMES


def test_a_pattern_with_a_stray_bracket_is_refused() -> None:
    with pytest.raises(Exception, match="never opened"):
        expanded("a|b) c")


def _learnt(texts: pl.Series, target: Ints) -> tuple[LogisticRegression, object, Ints]:
    kept, tested = KEY % 3 > 0, KEY % 3 == 0
    matrix = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True).fit_transform(texts.to_list())
    model = LogisticRegression(C=3, max_iter=200).fit(matrix[kept], target[kept])
    return model, matrix[tested], target[tested]


LEANING: dict[str, Callable[[], pl.Series]] = {
    "complaint": lambda: words.complaint(_purpose("c"), KEY, LANGUAGE, STORY, FACTS, manipulation=HALF),
    "review": lambda: words.review(_purpose("r"), KEY, LANGUAGE, RATING, FACTS, silent=0.0, bought=HALF),
    "title": lambda: words.listing(_purpose("l"), KEY, LANGUAGE, CATEGORY, evasion=HALF.astype(np.int64))[0],
    "description": lambda: words.listing(_purpose("l"), KEY, LANGUAGE, CATEGORY, evasion=2 * HALF.astype(np.int64))[1],
    "caption": lambda: words.caption(
        _purpose("v"), KEY, LANGUAGE, CATEGORY, listing=LISTING, live=KEY % 2 == 0, violation=HALF
    ),
}


@pytest.mark.parametrize("kind", LEANING)
def test_texts_alone_do_not_give_the_dishonest_away(kind: str) -> None:
    model, tested, target = _learnt(LEANING[kind](), HALF.astype(np.int64))
    assert roc_auc_score(target, model.predict_proba(tested)[:, 1]) < 0.85  # type: ignore[attr-defined]


def test_what_happened_can_be_told_from_complaints_clearly_but_not_perfectly() -> None:
    texts = words.complaint(_purpose("stories"), KEY, LANGUAGE, STORY, FACTS)
    model, tested, target = _learnt(texts, STORY)
    assert 0.45 < accuracy_score(target, model.predict(tested)) < 0.9


ODDS: dict[str, Callable[[Bools], Floats]] = {
    "complaint": lambda bad: words.complaint_log_odds(_purpose("o"), KEY, STORY, bad),
    "message": lambda bad: words.message_log_odds(_purpose("o"), KEY, MOVE, bad),
    "review": lambda bad: words.review_log_odds(_purpose("o"), KEY, RATING, bad),
    "listing": lambda bad: words.listing_log_odds(_purpose("o"), KEY, bad.astype(np.int64)),
    "caption": lambda bad: words.caption_log_odds(_purpose("o"), KEY, bad),
}


@pytest.mark.parametrize("kind", ODDS)
def test_what_an_ideal_reader_believes_is_calibrated(kind: str) -> None:
    odds = ODDS[kind](HALF)
    assert odds[HALF].mean() > odds[~HALF].mean()
    posterior = 1 / (1 + np.exp(-odds))
    assert abs(posterior.mean() - HALF.mean()) < 0.03


def test_the_ideal_reader_sees_what_stands_in_the_text() -> None:
    english = np.full(SIZE, 2)
    titles, _ = words.listing(_purpose("o"), KEY, english, CATEGORY, evasion=np.ones(SIZE, dtype=np.int64))
    hinted = titles.str.contains(
        r"1:1|AAA|top grade|mirror|inspired|style of|N0r|Nor vane|Lum\*|Ad1|OEM|factory|outlet|same as shop|dupe"
    )
    odds = words.listing_log_odds(_purpose("o"), KEY, np.ones(SIZE, dtype=np.int64))
    assert odds[hinted.to_numpy()].mean() > odds[~hinted.to_numpy()].mean() + 2
