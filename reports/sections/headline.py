"""Decides what is said first: automation, augmentation, conversations, and how they changed."""

from reports.content import Block, KeyFigures, Paragraph, Section, Table
from reports.database import Answers, Row
from reports.figures import (
    WITHHELD,
    count,
    interval,
    number_of,
    percent,
    points,
    published,
    relative_change,
)
from reports.sections.protection import is_exact
from reports.sections.told import is_noisy, tell
from reports.words import BASES, FIVE, MODES, NO_TASK_RULE

_NOT_GIVEN = "not released"
_ACCOUNTS = "Accounts, at least"


def headline_section(answers: Answers) -> Section:
    """Automation and augmentation on each base, and how much was counted."""
    release, totals = answers["releases"][0], answers["totals"]
    rows = answers["headline"]
    key_figures = _key_figures(rows, totals[0], release, unit=tell(answers).unit)
    blocks: list[Block] = [key_figures, *_cautions(rows, release)]
    if any(row["share"] is not None for row in rows):
        blocks.append(_by_base(rows))
    else:
        blocks.append(
            Paragraph("Every figure about automation and augmentation is withheld this quarter.")
        )
    return Section("headline", "Headline", (*blocks, *_references(answers["reference_shares"])))


def change_section(answers: Answers) -> Section:
    """The quarter before, where the database holds one."""
    if len(answers["releases"]) == 1:
        text = "The database holds no earlier quarter, so there is nothing to compare with."
        return Section("change", "Change since the quarter before", (Paragraph(text),))
    this, before = answers["releases"]
    quarters = (before["quarter"], this["quarter"])
    blocks: list[Block] = []
    if warning := _not_like_for_like(this, before):
        blocks.append(Paragraph(warning))
    blocks.append(_change_of_shares(answers["headline"], quarters, tell(answers).kind))
    blocks.append(_change_of_totals(answers["totals"], quarters, _rounding_words(this, before)))
    return Section("change", "Change since the quarter before", tuple(blocks))


def _key_figures(rows: list[Row], totals: Row, release: Row, *, unit: str) -> KeyFigures:
    five = {row["mode"]: row for row in rows if row["pattern_base"] == "five"}
    shares = [
        (name, percent(row.get("share")), _interval_words(row))
        for mode, name in MODES.items()
        for row in [five.get(mode, {})]
    ]
    counted = [
        ("Conversations", count(totals["conversation_count"]), f"counted; {unit}"),
        _all_accounts(totals, release, unit),
    ]
    return KeyFigures((*shares, *counted))


def _interval_words(row: Row) -> str:
    if row.get("share") is None:
        return "of the five patterns"
    bounds = interval(row["share_lower"], row["share_upper"])
    return f"of the five patterns; {bounds} (95% interval)"


def _all_accounts(totals: Row, release: Row, unit: str) -> tuple[str, str, str]:
    if release["account_unit"] == "unknown":
        return "Accounts", "unknown", "the sources carry no account ids"
    if totals["account_count"] is None:
        return "Accounts", _NOT_GIVEN, "each counted as one person"
    return _ACCOUNTS, count(totals["account_count"]), f"{unit}; each counted as one person"


def _cautions(rows: list[Row], release: Row) -> list[Paragraph]:
    cautions = []
    of_five = [row["withheld_pattern_count"] for row in rows if row["pattern_base"] == "five"]
    withheld = max(of_five, default=0)
    if 0 < withheld < FIVE:
        cautions.append(
            f"Of the five patterns, {number_of(withheld, 'is', 'are')} withheld, or without usage;"
            " they are counted in their mode."
        )
    if release["account_unit"] == "unknown":
        cautions.append(
            "The sources carry no account ids, so nobody knows how many people are behind a"
            " figure; the floor of conversations is higher instead."
        )
    if release["time_basis"] == "assumed":
        cautions.append("Rows without a time were taken as of this quarter.")
    return [Paragraph(text) for text in cautions]


def _by_base(rows: list[Row]) -> Table:
    table = []
    for base, words in BASES.items():
        of_base = {row["mode"]: row for row in rows if row["pattern_base"] == base}
        if not of_base:
            continue
        figures = [
            cell
            for mode in MODES
            for row in [of_base.get(mode, {})]
            for cell in (
                percent(row.get("share")),
                interval(row.get("share_lower"), row.get("share_upper")),
            )
        ]
        usage = next(iter(of_base.values()))["base_usage"]
        table.append((words, *figures, count(usage)))
    return Table(
        caption="Automation and augmentation on the three bases in use",
        base="named in each row",
        rule=NO_TASK_RULE,
        columns=(
            "Base",
            "Automation",
            "95% interval",
            "Augmentation",
            "95% interval",
            "Base, conversations",
        ),
        rows=tuple(table),
        notes=(
            "On base five the two shares add up to 100%; on the others the rest is none, and not"
            " classified or withheld.",
        ),
    )


def _references(references: list[Row]) -> list[Table]:
    modes = [row for row in references if row["measure"] == "mode"]
    if not modes:
        return []
    sources = sorted({(row["source"], row["base"]) for row in modes})
    shares = {(row["source"], row["base"], row["id"]): row["share"] for row in modes}
    return [
        Table(
            caption="For comparison: shares that others have published",
            base="named in each row",
            rule="as published: conversations, without allocation",
            columns=("Source", "Base", *MODES.values()),
            text_columns=2,
            rows=tuple(
                (source, base, *(published(shares.get((source, base, mode))) for mode in MODES))
                for source, base in sources
            ),
        )
    ]


def _not_like_for_like(this: Row, before: Row) -> str | None:
    names = {
        "onet_release": "task taxonomy",
        "platform_and_product": "product",
        "account_unit": "account unit",
        "time_basis": "time basis",
        "model_hash": "sentence encoder",
        "classifiers_hash": "classifiers",
        "code_version": "code",
        "disclosure_mode": "protection of counts",
        "settings_hash": "settings",
    }
    changed = [words for column, words in names.items() if this[column] != before[column]]
    if not changed:
        return None
    return (
        f"Not like for like: {' and '.join(filter(None, [', '.join(changed[:-1]), changed[-1]]))}"
        " changed between the two quarters, which moves figures by itself."
    )


def _change_of_shares(rows: list[Row], quarters: tuple[str, str], kind: str) -> Table:
    return Table(
        caption="Automation and augmentation, in percentage points",
        base="named in each row",
        rule=NO_TASK_RULE,
        columns=("Share", "Base", *quarters, "Change, points"),
        text_columns=2,
        rows=tuple(
            (
                MODES[row["mode"]],
                row["pattern_base"],
                percent(row["previous_share"]),
                percent(row["share"]),
                points(row["change_points"]),
            )
            for row in rows
        ),
        notes=(
            f"Computed from the released shares, which are of {kind}, before they are cut"
            " to one decimal for print.",
        ),
    )


def _rounding_words(this: Row, before: Row) -> str:
    if is_noisy(this) or is_noisy(before):
        return "Counts have noise, or are rounded: a small difference may be of that alone."
    if is_exact(this) and is_exact(before):
        return "Counts are exact."
    bases = sorted({row["rounding_base"] for row in (this, before) if not is_exact(row)})
    return (
        f"Counts are rounded to multiples of {' and '.join(str(base) for base in bases)}: a small"
        " difference may be of the rounding alone."
    )


def _change_of_totals(totals: list[Row], quarters: tuple[str, str], note: str) -> Table:
    now, before = totals
    rows = [_change_row("Conversations", before, now, "conversation_count")]
    if now["account_count"] is not None and before["account_count"] is not None:
        rows.append(_change_row(_ACCOUNTS, before, now, "account_count"))
    return Table(
        caption=f"Conversations{' and accounts' if len(rows) > 1 else ''} counted",
        base="none: counts",
        rule=NO_TASK_RULE,
        columns=("Count", *quarters, "Change"),
        rows=tuple(rows),
        notes=(note,),
    )


def _change_row(name: str, before: Row, now: Row, column: str) -> tuple[str, ...]:
    figures = (before[column], now[column])
    change = WITHHELD if None in figures else relative_change(*figures)
    return (name, *(count(figure) for figure in figures), change)
