"""Decides which conversations are near-copies of each other, and so which accounts count as one.

Who holds many accounts could send one chat from each, edited a little, until a cell around a target
reaches the floors (a sybil attack). Near-copies therefore count once. Honest people meet as well:
thousands say "hi" or paste the same popular prompt, and are taken for one source. That is the
conservative choice: nothing tells them from an attack, and to count them once can only withhold
more. Whoever changes every tenth word is found in part; whoever writes each chat anew, or pads it
with as much text of its own, is not.
"""

from collections.abc import Iterable

import numpy as np
import polars as pl
from datasketch import MinHash
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

LEAST_SIMILARITY = 0.6
"""Of near-copies. Of 50 chats of 30 words or more, made from one by changing a word in 15, about 45
count as texts of their own at 0.8, about 20 at 0.7, and 1 to 3 at 0.6 (measured on WildChat)."""

SIGNATURE_LENGTH = 128
"""Makes the standard error of an estimated similarity 0.04: a link is off by that much."""

_CHARACTERS_READ = 20_000
_SHINGLE_LETTERS = 5
_SEED = 1
_ORDER_STEP = 4
_ORDER_PREFIX = 8
_NEIGHBORS = 4

_PLACEHOLDER = "<[A-Z_]+>"
# No letters but Hangul fillers, which cannot be seen. Spacing marks are vowels of Indic scripts.
_NOT_LETTER = r"[^\p{L}\p{Mc}]|[\x{115F}\x{1160}]"
_UNSEEN = r"[\s\p{C}\p{M}\x{115F}\x{1160}]"
_WHOLE_SYLLABLE = r"[\p{Han}\p{Hiragana}\p{Katakana}]"
# Powers of an odd number: a shingle's hash is a polynomial in it, modulo 2^64.
_FACTORS = np.array(
    [pow(0x9E3779B97F4A7C15, power, 2**64) for power in range(1, _SHINGLE_LETTERS + 1)], np.uint64
)


def fingerprint_conversations(messages: pl.DataFrame) -> pl.DataFrame:
    """Sketches what the user wrote in each conversation, so that near-copies can be found.

    The shingles of a text are its runs of five letters, whatever stands between them: spaces,
    punctuation, digits, case, accents, placeholders and invisible characters hide no copy. Letters
    and not words: a typo costs no more than five of them, and one rule does for languages without
    spaces and for short texts (fewer letters are one shingle). Han and kana say more than a letter
    and count twice. A text without letters is told by its symbols, with all digits alike.

    A signature holds the least hash of all shingles under each of 128 permutations; what share of
    their values two signatures have in common estimates the Jaccard similarity of the texts
    (Broder 1997, On the resemblance and containment of documents). No text can be read from it, but
    a guess at a text can be checked against it: it is unit-level data and purged after the run.

    Args:
        messages: `conversation_id`, `message_index`, `role`, `text` (redacted). The user's turns
            count, in order, up to 20,000 characters of a conversation.

    Returns:
        `conversation_id` and `signature` (a list of 128 UInt32; null if the user wrote nothing),
        a row for every conversation, sorted by conversation.
    """
    is_user = pl.col("role").cast(pl.String) == "user"
    texts = (
        messages.lazy()
        .sort("conversation_id", "message_index")
        .group_by("conversation_id", maintain_order=True)
        .agg(text=pl.col("text").filter(is_user).str.join("\n").str.head(_CHARACTERS_READ))
        # again: a ligature may stand for eighteen letters
        .select("conversation_id", text=_folded(pl.col("text")).str.head(_CHARACTERS_READ))
        .collect()
    )
    written = texts.filter(pl.col("text") != "")
    signatures = pl.Series(_sign(written["text"]), dtype=pl.List(pl.UInt32))
    return texts.select("conversation_id").join(
        written.select("conversation_id", signature=signatures),
        on="conversation_id",
        how="left",
        validate="1:1",
        maintain_order="left",
    )


def find_sources(fingerprints: pl.DataFrame, accounts: pl.DataFrame) -> pl.DataFrame:
    """Says for each conversation whom it comes from and what it is a copy of, for the floors.

    What hangs together by near-copies is one group (single linkage): an attacker's chats need not
    all resemble each other. A group of two or more accounts is one source; any other conversation
    keeps its account.

    An account in several groups has several sources: two accounts that share five texts have five.
    So nobody may count sources alone. A cell has the lesser of its distinct `source_id` and its
    distinct `account_id`, neither counting nulls.

    Args:
        fingerprints: As `fingerprint_conversations` returns them, of all partitions together.
        accounts: `conversation_id`, `account_id` (null if unknown). A conversation without a
            fingerprint is a copy of none.

    Returns:
        Every conversation of `accounts`, sorted: `conversation_id`; `source_id`, the group's least
        conversation or the account or null; `copy_id`, its group's least conversation (also within
        one account) or its own.

    Raises:
        polars.exceptions.ComputeError: A conversation is in one of the tables twice.
    """
    signed = (
        accounts.select("conversation_id")
        .join(fingerprints, on="conversation_id", how="inner", validate="1:1")
        .drop_nulls("signature")
    )
    groups = _group_near_copies(signed["signature"].list.to_array(SIGNATURE_LENGTH).to_numpy())
    copies = signed.select(
        "conversation_id", copy_id=pl.col("conversation_id").min().over(pl.Series(groups))
    )
    account_count = pl.col("account_id").drop_nulls().n_unique().over("copy_id")
    return (
        accounts.select("conversation_id", pl.col("account_id").cast(pl.String))
        .join(copies, on="conversation_id", how="left", validate="1:1")
        .with_columns(pl.coalesce("copy_id", "conversation_id").alias("copy_id"))
        .select(
            "conversation_id",
            source_id=pl.when(account_count > 1).then("copy_id").otherwise("account_id"),
            copy_id="copy_id",
        )
        .sort("conversation_id")
    )


def _folded(text: pl.Expr) -> pl.Expr:
    """What is left of a text when edits that change nothing are undone."""
    plain = text.str.replace_all(_PLACEHOLDER, " ").str.normalize("NFKD")
    letters = (
        plain.str.replace_all(_NOT_LETTER, "")
        # both ways, as casefolding does: ß, SS and ss are the same
        .str.to_uppercase()
        .str.to_lowercase()
        .str.replace_all(_WHOLE_SYLLABLE, "${0}${0}")
    )
    symbols = text.str.normalize("NFKD").str.replace_all(_UNSEEN, "").str.replace_all(r"\p{N}", "0")
    return pl.when(letters == "").then(symbols).otherwise(letters)


def _sign(texts: Iterable[str]) -> NDArray[np.uint32]:
    sketches = MinHash.generator(
        map(_hash_shingles, texts), num_perm=SIGNATURE_LENGTH, seed=_SEED, hashfunc=int
    )
    signatures = [sketch.hashvalues for sketch in sketches]
    return np.array(signatures, np.uint32).reshape(-1, SIGNATURE_LENGTH)


def _hash_shingles(text: str) -> list[int]:
    """Distinct hashes of 32 bits; the same on every machine, which Python's own are not."""
    letters = np.frombuffer(text.encode("utf-32-le"), np.uint32).astype(np.uint64)
    filled = np.pad(letters, (0, max(0, _SHINGLE_LETTERS - letters.size)))
    shingles = np.lib.stride_tricks.sliding_window_view(filled, _SHINGLE_LETTERS)
    hashes: list[int] = np.unique((shingles @ _FACTORS) >> np.uint64(32)).tolist()
    return hashes


def _group_near_copies(signatures: NDArray[np.uint32]) -> NDArray[np.intp]:
    """The number of each signature's group.

    Signatures are sorted 32 times, each time from another value on, and compared with the next four
    (Charikar 2002, Similarity estimation techniques from rounding algorithms, section 3). The
    buckets of a hash table (MinHashLSH) find the same groups, but hold quadratically many pairs
    where all chats begin with one text, and took 2.5 times as long and 1 GB for 100,000 signatures.
    """
    if not len(signatures):
        return np.empty(0, np.intp)
    distinct, number = np.unique(signatures, axis=0, return_inverse=True)
    links = [_near_pairs(distinct, start) for start in range(0, SIGNATURE_LENGTH, _ORDER_STEP)]
    one, other = np.concatenate(links, axis=1)
    graph = sparse.coo_array((np.ones(one.size), (one, other)), shape=(len(distinct),) * 2)
    groups: NDArray[np.intp] = connected_components(graph, directed=False)[1][number.ravel()]
    return groups


def _near_pairs(signatures: NDArray[np.uint32], start: int) -> NDArray[np.intp]:
    """Near-copies among neighbors, two rows of indices, when sorted from the value at start on."""
    prefixes = np.take(signatures, range(start, start + _ORDER_PREFIX), axis=1, mode="wrap")
    order = np.lexsort(prefixes.T[::-1])
    found = []
    for distance in range(1, _NEIGHBORS + 1):
        pairs = np.stack([order[:-distance], order[distance:]])
        one, other = pairs[:, prefixes[pairs[0], 0] == prefixes[pairs[1], 0]]
        is_near = (signatures[one] == signatures[other]).mean(axis=1) >= LEAST_SIMILARITY
        found.append(np.stack([one[is_near], other[is_near]]))
    return np.concatenate(found, axis=1)
