import random
from itertools import product

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from flows.disclosure.duplicates import (
    LEAST_SIMILARITY,
    SIGNATURE_LENGTH,
    find_sources,
    fingerprint_conversations,
)

ORIGINAL = (
    "Could you please write a polite letter to our landlord asking him to repair the broken heating"
    " before winter, and mention that two neighbors complained about the same problem last March?"
)
CHINESE = (
    "请帮我写一封礼貌的信给房东,请他在冬天之前修好"
    "坏掉的暖气,并提到两位邻居在三月份也抱怨过同样的问题。"
)
DO = (
    *("write a friendly letter", "draft the agenda", "fix the failing unit test"),
    *("translate into Portuguese", "summarize the quarterly figures", "compare three suppliers"),
    *("explain step by step", "plan a five day itinerary", "rehearse an awkward interview"),
    *("outline chapter seven", "choose a suitable font", "calculate the monthly payments"),
    *("invent twenty slogans", "proofread my essay", "diagnose what makes noise"),
    *("sketch a database schema", "list vegetarian recipes", "check whether it is legal"),
)
ABOUT = (
    *("a leaking dishwasher", "Byzantine mosaics", "wholesale coffee prices"),
    *("our swimming club", "photosynthesis in algae", "the harbor bridge"),
    *("grandmother's quilts", "asynchronous queues", "knee surgery"),
    *("the school orchestra", "rented scaffolding", "jazz trumpet solos"),
    *("solar panels", "lost luggage", "beekeeping equipment"),
    *("municipal bonds", "a haunted lighthouse", "powdered milk exports"),
)
WITH = (
    *("keeping it under one page", "because Thursday is too late", "avoiding technical jargon"),
    *("in the voice of a pirate", "citing peer reviewed work", "for toddlers and their parents"),
    *("using only free software", "despite the tiny budget", "so that auditors are content"),
    *("without hurting his feelings", "as bullet points please", "before customs opens"),
    *("assuming average rainfall", "like the previous version", "with an unexpected ending"),
    *("rounded to whole euros", "sorted by urgency", "so my boss understands everything"),
)


def conversation(number):
    return f"{number:032x}"


def messages(texts):
    rows = [(conversation(number), 0, "user", text) for number, text in enumerate(texts)]
    schema = {
        "conversation_id": pl.String,
        "message_index": pl.Int64,
        "role": pl.String,
        "text": pl.String,
    }
    return pl.DataFrame(rows, schema, orient="row")


def accounts(names):
    ids = [conversation(number) for number in range(len(names))]
    columns = {"conversation_id": ids, "account_id": names}
    return pl.DataFrame(columns, {"conversation_id": pl.String, "account_id": pl.String})


def sources(texts, names=None):
    """The table of sources; every text of an account of its own unless they are named."""
    names = names or [f"account {number}" for number in range(len(texts))]
    return find_sources(fingerprint_conversations(messages(texts)), accounts(names))


def are_one(*texts):
    return sources(texts)["source_id"].n_unique() == 1


def edited(text, chooser, *, words):
    """The text with that many of its words replaced by invented ones."""
    parts = text.split()
    for position in chooser.sample(range(len(parts)), words):
        parts[position] = "".join(chooser.choices("abdegiklmnoprstuvz", k=6))
    return " ".join(parts)


def distinct_texts():
    """Any two share one of their three parts at most."""
    size = len(DO)
    return [
        f"{DO[one]} about {ABOUT[other]} {WITH[(one + other) % size]}"
        for one, other in product(range(size), repeat=2)
    ]


@pytest.mark.parametrize(
    ("text", "copy"),
    [
        (ORIGINAL, ORIGINAL),
        (ORIGINAL, ORIGINAL.upper()),
        (ORIGINAL, ORIGINAL.replace(",", " --").replace("?", "!!! :-)")),
        (ORIGINAL, ORIGINAL.replace(" ", "\n\t  ")),
        (ORIGINAL, ORIGINAL.replace(" ", "")),
        (ORIGINAL, "17. " + ORIGINAL.replace("two", "two (2)") + " #4711"),
        (ORIGINAL, ORIGINAL.replace("e", "e\u200b").replace("a", "\u00ada\u2060")),
        (ORIGINAL, ORIGINAL.replace("o", "o\u3164")),  # a Hangul filler: an invisible letter
        (ORIGINAL, ORIGINAL.replace("e", "é").replace("n", "n\u0336")),
        (ORIGINAL, "".join(chr(ord(c) + 0xFEE0) if c.isalpha() else c for c in ORIGINAL)),
        (ORIGINAL, ORIGINAL.replace("our landlord", "our landlord <PERSON>, <EMAIL_ADDRESS>,")),
        ("Write to him now", "Write to <PERSON> him <DATE_TIME> now"),
        (ORIGINAL, edited(ORIGINAL, random.Random(1), words=1)),
        (ORIGINAL, edited(ORIGINAL, random.Random(2), words=2)),
        (ORIGINAL, ORIGINAL.replace("heating", "haeting").replace("problem", "porblem")),
        (ORIGINAL, "Hi! " + ORIGINAL + " Thanks a lot"),
        ("Straße der Grüße", "STRASSE DER GRÜSSE"),
        ("ΣΟΦΟΣ ΛΟΓΟΣ", "σοφός λόγος"),
        ("hi", "Hi!"),
        ("hi", "  h i ... 2"),
        ("?!", "? !"),
        ("12 + 30 =", "98+76="),
        ("<PERSON>", "<PERSON> "),
        ("👍🏽\ufe0f", "👍🏽"),
        (CHINESE, CHINESE.replace(",", " ").replace("。", "!")),
        (CHINESE, CHINESE.replace("房东", "经理")),
        (CHINESE, CHINESE.replace("房东", "经理").replace("冬天", "下周")),
        ("谢谢", "谢谢!"),
        ("ガスの請求書を訳して", "\uff76\uff9e\uff7dの請求書を訳して"),  # half-width kana
    ],
)
def test_trivial_edits_do_not_hide_a_copy(text, copy):
    assert are_one(text, copy)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        (ORIGINAL, "Could you please check whether this SQL query uses the index on the orders?"),
        (ORIGINAL, CHINESE),
        (ORIGINAL, ORIGINAL + " ".join(distinct_texts()[40:46])),
        ("hi", "hello"),
        ("hi", "ha"),
        ("thanks", "think"),
        ("thank you", "thank god it works"),
        ("translate to French", "summarize the text"),
        ("?!", "..."),
        ("<PERSON>", "<EMAIL_ADDRESS>"),
        ("12 + 30", "12 * 30"),
        ("谢谢", "你好"),
        (CHINESE, "请解释一下这段代码为什么在空列表上会出错,并给出一个修正后的版本。"),
        ("สวัสดีครับ ช่วยเขียนจดหมายหน่อย", "ช่วยแปลสัญญาเช่าเป็นภาษาอังกฤษ"),
    ],
)
def test_different_texts_stay_apart(text, other):
    assert not are_one(text, other)


@pytest.mark.parametrize("text", [ORIGINAL, " ".join(distinct_texts()[100:120])])
def test_fifty_near_copies_by_fifty_accounts_are_one_source(text):
    chooser = random.Random(7)
    copies = [edited(text, chooser, words=len(text.split()) // 20) for _ in range(50)]
    assert len(set(copies)) == 50
    found = sources([*copies, *distinct_texts()])
    assert found["source_id"][:50].to_list() == [conversation(0)] * 50
    assert found["copy_id"][:50].to_list() == [conversation(0)] * 50
    assert found["source_id"][50:].n_unique() == found.height - 50


def test_three_hundred_different_texts_have_as_many_sources():
    texts = distinct_texts()
    found = sources(texts)
    assert len(texts) == 324
    assert found["source_id"].to_list() == [f"account {number}" for number in range(324)]
    assert found["copy_id"].to_list() == found["conversation_id"].to_list()


A, B, SAME, OTHER = "account a", "account b", ORIGINAL, CHINESE
FIRST, SECOND = conversation(0), conversation(1)


@pytest.mark.parametrize(
    ("rows", "source_ids", "copy_ids"),
    [
        ([(A, SAME), (A, SAME)], [A, A], [FIRST, FIRST]),
        ([(A, SAME), (B, SAME)], [FIRST, FIRST], [FIRST, FIRST]),
        ([(A, SAME), (B, OTHER)], [A, B], [FIRST, SECOND]),
        ([(None, SAME), (None, OTHER)], [None, None], [FIRST, SECOND]),
        ([(None, SAME), (None, SAME)], [None, None], [FIRST, FIRST]),
        ([(None, SAME), (A, SAME)], [None, A], [FIRST, FIRST]),
        ([(None, SAME), (A, SAME), (B, SAME)], [FIRST] * 3, [FIRST] * 3),
        ([(A, SAME), (A, SAME), (B, SAME)], [FIRST] * 3, [FIRST] * 3),
        ([(A, OTHER), (A, SAME), (B, SAME)], [A, SECOND, SECOND], [FIRST, SECOND, SECOND]),
        ([(A, ""), (B, "")], [A, B], [FIRST, SECOND]),
        ([(A, " \u200b\n"), (B, " \u200b\n")], [A, B], [FIRST, SECOND]),
        ([(A, "hi"), (B, "hi")], [FIRST, FIRST], [FIRST, FIRST]),
        ([(A, SAME)], [A], [FIRST]),
        ([(None, "")], [None], [FIRST]),
        ([], [], []),
    ],
)
def test_a_text_of_several_accounts_is_one_source_and_any_other_keeps_its_account(
    rows, source_ids, copy_ids
):
    found = sources([text for _, text in rows], [account for account, _ in rows])
    assert found.schema == dict.fromkeys(("conversation_id", "source_id", "copy_id"), pl.String)
    assert found["source_id"].to_list() == source_ids
    assert found["copy_id"].to_list() == copy_ids


def test_two_accounts_that_share_texts_have_more_sources_than_accounts():
    texts = distinct_texts()[:5]
    found = sources([*texts, *texts], [A] * 5 + [B] * 5)
    assert found["source_id"].n_unique() == 5  # hence the lesser of sources and accounts counts


def test_unknown_accounts_may_come_without_a_type():
    untyped = pl.DataFrame({"conversation_id": [FIRST, SECOND], "account_id": [None, None]})
    found = find_sources(fingerprint_conversations(messages([SAME, SAME])), untyped)
    assert found["source_id"].to_list() == [None, None]


def test_a_conversation_without_a_fingerprint_is_a_copy_of_none():
    found = find_sources(fingerprint_conversations(messages([SAME, SAME])), accounts([A, B, A]))
    assert found["source_id"].to_list() == [FIRST, FIRST, A]
    assert found["copy_id"].to_list() == [FIRST, FIRST, conversation(2)]


def test_a_fingerprint_of_no_asked_conversation_links_nothing():
    fingerprints = fingerprint_conversations(messages([SAME, OTHER, SAME]))
    found = find_sources(fingerprints, accounts([A, B]))
    assert found["source_id"].to_list() == [A, B]


@pytest.mark.parametrize("twice", ["fingerprints", "accounts"])
def test_a_conversation_that_is_there_twice_stops_the_run(twice):
    tables = {
        "fingerprints": fingerprint_conversations(messages([SAME, OTHER])),
        "accounts": accounts([A, B]),
    }
    tables[twice] = pl.concat([tables[twice]] * 2)
    with pytest.raises(pl.exceptions.ComputeError):
        find_sources(**tables)


@pytest.mark.parametrize(("common", "source_count"), [(0, 2), (76, 2), (77, 1), (128, 1)])
def test_near_copies_share_six_tenths_of_their_signatures(common, source_count):
    assert (LEAST_SIMILARITY, SIGNATURE_LENGTH) == (0.6, 128)
    one = np.arange(128)
    other = np.where(one < common, one, one + 1_000)
    fingerprints = pl.DataFrame(
        {"conversation_id": [FIRST, SECOND], "signature": [one.tolist(), other.tolist()]},
        schema_overrides={"signature": pl.List(pl.UInt32)},
    )
    found = find_sources(fingerprints, accounts([A, B]))
    assert found["source_id"].n_unique() == source_count


def test_what_hangs_together_is_one_source_though_its_ends_differ():
    steps = [ORIGINAL.split()]
    for position in range(len(steps[0])):
        steps.append(
            [*steps[-1][:position], f"qx{'abcdefgh'[position % 8]}zu", *steps[0][position + 1 :]]
        )
    chain = [" ".join(words) for words in steps]
    assert not are_one(chain[0], chain[-1])
    assert are_one(*chain)


def test_only_the_users_turns_count_in_their_order():
    half = ORIGINAL.find("and mention")
    rows = [
        (FIRST, 0, "system", "You are a helpful assistant of the tenants' association."),
        (FIRST, 3, "user", ORIGINAL[half:]),
        (FIRST, 1, "user", ORIGINAL[:half]),
        (FIRST, 2, "assistant", "Certainly! Whom shall I address it to, and is there a deadline?"),
        (SECOND, 0, "user", ORIGINAL),
        (conversation(2), 0, "assistant", ORIGINAL),
    ]
    roles = pl.Enum(["system", "user", "assistant", "tool"])
    table = pl.DataFrame(rows, messages([]).schema, orient="row").cast({"role": roles})
    found = fingerprint_conversations(table)
    assert found["conversation_id"].to_list() == [FIRST, SECOND, conversation(2)]
    assert found["signature"][0].equals(found["signature"][1])
    assert found["signature"][2] is None


def test_the_end_of_a_huge_conversation_is_not_read():
    chooser = random.Random(5)
    beginning = "".join(chooser.choices("abcdefghijklmnop", k=20_000))
    found = fingerprint_conversations(messages([beginning, beginning + ORIGINAL * 1_000]))
    assert found["signature"][0].equals(found["signature"][1])


def test_a_signature_is_the_same_in_any_run_and_partition():
    table = messages(distinct_texts()[:20])
    whole = fingerprint_conversations(table)
    parts = [fingerprint_conversations(table[start : start + 7]) for start in range(0, 20, 7)]
    assert whole.schema == {"conversation_id": pl.String, "signature": pl.List(pl.UInt32)}
    assert whole["signature"].list.len().unique().to_list() == [SIGNATURE_LENGTH]
    assert_frame_equal(pl.concat(parts), whole)
    known = [2_083_311_767, 1_792_569_080]
    assert fingerprint_conversations(messages(["hi"]))["signature"][0][:2].to_list() == known


@pytest.mark.parametrize("words", [0, 1, 2, 4, 8, 16, 28])
def test_signatures_estimate_what_two_texts_have_in_common(words):
    copy = edited(ORIGINAL, random.Random(words), words=words)
    one, other = (
        {letters[start : start + 5] for start in range(len(letters) - 4)}
        for letters in ("".join(filter(str.isalpha, text)).lower() for text in (ORIGINAL, copy))
    )
    similarity = len(one & other) / len(one | other)
    found = fingerprint_conversations(messages([ORIGINAL, copy]))["signature"]
    estimate = (found[0] == found[1]).mean()
    assert estimate == pytest.approx(similarity, abs=3 * 0.5 / SIGNATURE_LENGTH**0.5)


def _crowd():
    """300 conversations of 40 accounts: copies of all degrees, honest texts, blanks."""
    chooser = random.Random(11)
    bank = distinct_texts()[::12]
    texts = [
        edited(chooser.choice(bank), chooser, words=chooser.randrange(5)) for _ in range(290)
    ] + [""] * 10
    names = [chooser.choice([None, *map(str, range(40))]) for _ in texts]
    return fingerprint_conversations(messages(texts)), accounts(names)


CROWD_FINGERPRINTS, CROWD_ACCOUNTS = _crowd()
CROWD_SOURCES = find_sources(CROWD_FINGERPRINTS, CROWD_ACCOUNTS)


def test_groups_are_those_of_comparing_every_pair():
    signed = CROWD_FINGERPRINTS.drop_nulls()
    signatures = signed["signature"].list.to_array(SIGNATURE_LENGTH).to_numpy()
    linked = (signatures[:, None] == signatures[None]).mean(axis=2) >= LEAST_SIMILARITY
    for _ in range(9):  # paths of up to 2^9 links
        linked = (linked.astype(np.float32) @ linked.astype(np.float32)) > 0
    least = signed["conversation_id"].gather(linked.argmax(axis=1)).to_list()
    found = CROWD_SOURCES.filter(
        pl.col("conversation_id").is_in(signed["conversation_id"].implode())
    )
    assert found["copy_id"].to_list() == least
    assert 1 < len(set(least)) < signed.height


@settings(max_examples=20)
@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_the_order_of_rows_changes_nothing(one_seed, other_seed):
    found = find_sources(
        CROWD_FINGERPRINTS.sample(fraction=1, shuffle=True, seed=one_seed),
        CROWD_ACCOUNTS.sample(fraction=1, shuffle=True, seed=other_seed),
    )
    assert_frame_equal(found, CROWD_SOURCES)


def test_the_order_of_messages_changes_nothing():
    table = messages(distinct_texts()[:30]).with_columns(
        pl.Series("conversation_id", [conversation(number // 3) for number in range(30)]),
        pl.Series("message_index", list(range(30)), dtype=pl.Int64),
    )
    shuffled = table.sample(fraction=1, shuffle=True, seed=3)
    assert_frame_equal(fingerprint_conversations(shuffled), fingerprint_conversations(table))


def test_a_source_is_either_the_account_or_the_group():
    known = CROWD_SOURCES.join(CROWD_ACCOUNTS, on="conversation_id")
    assert known["copy_id"].n_unique() < known.height
    own = known.filter(pl.col("source_id") != pl.col("copy_id"))
    assert own["source_id"].to_list() == own["account_id"].to_list()
