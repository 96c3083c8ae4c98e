"""Writes the page for the privacy reviewer, from the released database only."""

from pathlib import Path

from reports.content import Block, Definitions, Paragraph, Section, Table
from reports.database import Answers, ReportError, Row, ask_all
from reports.figures import count, percent, plain, width
from reports.page import page_values, templates, write_whole
from reports.sections import noise
from reports.sections.coverage import withheld_table
from reports.sections.protection import (
    Terms,
    attack_words,
    found_words,
    is_exact,
    limit_words,
    rounding_words,
    rule_words,
)
from reports.sections.told import is_noisy, tell
from reports.words import NO_ALLOCATION

__all__ = ["ReportError", "render_privacy_page"]

_COPIES = (
    "Conversations in which the user wrote nearly the same, found by signatures of runs of five"
    " letters, count as one for the floors, so that nobody fills a figure around somebody else with"
    " copies. In the figures themselves each of them counts."
)
_WITHHOLDING = (
    "What fails a rule is withheld in every table, and its usage stays in the units and totals"
    " above it. A unit without usage looks the same. Where everyone in a unit is in one"
    " collaboration pattern, none of its patterns is shown: to be in the unit would be to be in the"
    " pattern. The tables say rolled_up of all patterns of a unit that shows none, whatever the"
    " reasons."
)
_GATE = (
    "Where an interval is too narrow, another figure is withheld too, and what is left is made"
    " and attacked again. Where that does not help, the run ends with exit code 5, and nothing is"
    " published."
)
_SHARES = (
    "Shares, intervals and depth of use are computed from what is then shown, and from nothing"
    " else."
)
_FURTHER_GAPS = (
    (
        "A good guess",
        "A withheld figure lies between its least and its most; nothing says that all values"
        " between them are as likely.",
    ),
    (
        "What many do",
        "What is shown of many is meant to be known, also where somebody is known to be one of"
        " them.",
    ),
    (
        "Several releases",
        "The attack looks at the taxonomy in one quarter. Clusters, other quarters, and releases of"
        " the quarter between which enough accounts changed are not attacked together with it.",
    ),
)
_CHECKS = (
    (
        "Audit",
        "worktally audit --database FILE checks the finished database alone, whoever made it: its"
        " tables, the floors, and by the attack again, on every quarter without noise; of one"
        " with noise, that the budget holds, that every unit of the taxonomy has a row, and that"
        " nothing is told without noise. It prints what each check found and the most that passes;"
        " the exit code is 5 when one fails.",
    ),
    (
        "Figures of the attack",
        'worktally sql "FROM disclosure" --database FILE prints those of every quarter.',
    ),
    (
        "Parameters",
        'worktally sql "FROM releases" --database FILE prints the parameters, the settings, and the'
        " versions of code, models and packages.",
    ),
    ("Code", "flows/disclosure/ holds every rule of this page, a rule a file."),
)


def render_privacy_page(database: Path, *, quarter: str, out: Path) -> Path:
    """Writes `privacy-2026Q1.html` into `out`; the same database gives the same bytes.

    Args:
        database: The released database, read and never written.
        quarter: Such as 2026Q1.
        out: Directory of the page; made where it is missing. A file is replaced whole.

    Raises:
        ReportError: No page can be made of this database and quarter; nothing was written.
    """
    answers = ask_all(database, quarter)
    values = page_values(answers, _sections(answers))
    path = out / f"privacy-{quarter}.html"
    write_whole(path, templates().get_template("privacy.html").render(values))
    return path


def _sections(answers: Answers) -> list[Section]:
    told = tell(answers)
    if is_noisy(answers["releases"][0]):
        steps, parameters = _noise_steps(answers), _noise_parameters(answers)
        found, gaps = _noise(answers), told.gaps
    else:
        steps, parameters = _steps(answers), _parameters(answers)
        found, gaps = _attack(answers), (*told.gaps, *_FURTHER_GAPS)
    return [
        Section(
            "promised",
            "What is promised, and against whom",
            (Paragraph(told.against), Definitions(told.promises)),
        ),
        Section("how", "How it is done, in order", (Definitions(_numbered(steps)),)),
        Section("parameters", "Parameters of this release", (Definitions(parameters),)),
        found,
        Section("withheld", "What is withheld, by level", _withheld(answers)),
        Section("gaps", "What is not promised", (Definitions(gaps),)),
        Section("check", "How to check it yourself", (Definitions(_CHECKS),)),
    ]


def _numbered(steps: Terms) -> Terms:
    return tuple((f"{number}. {name}", text) for number, (name, text) in enumerate(steps, 1))


def _steps(answers: Answers) -> Terms:
    release = answers["releases"][0]
    return (
        ("Limits per account", limit_words(answers)),
        ("Near-copies", _COPIES),
        ("Primary rules", rule_words(release)),
        ("Withholding", _WITHHOLDING),
        ("Exact figures" if is_exact(release) else "Rounding", rounding_words(answers)),
        ("Attack", f"{attack_words(answers)} {_GATE}"),
        ("Earlier releases", _ledger(release)),
        ("Shares", _SHARES),
    )


def _noise_steps(answers: Answers) -> Terms:
    return (*tell(answers).terms, ("Shares", _SHARES))


def _ledger(release: Row) -> str:
    floor = release["account_floor"]
    enough = "enough conversations lie between them"
    if floor is not None:
        enough = f"at least {floor} accounts have changed or {2 * floor} have come or gone"
    if is_exact(release):
        return (
            "What was released of this quarter earlier is kept in a ledger beside the database,"
            " readable for the publisher only. Exact figures are released again only unchanged, and"
            " never beside rounded ones of the same quarter."
        )
    return (
        "What was released of this quarter earlier is kept in a ledger beside the database,"
        " readable for the publisher only. The quarter is released again where nothing lies between"
        f" the two releases, and then both are attacked as one, or where {enough}."
    )


def _noise_parameters(answers: Answers) -> Terms:
    release = answers["releases"][0]
    return (*noise.parameters(release), *_made_by(release))


def _made_by(release: Row) -> Terms:
    return (
        ("Hash of the settings", release["settings_hash"]),
        ("Code", release["code_version"]),
    )


def _parameters(answers: Answers) -> Terms:
    release = answers["releases"][0]
    of_accounts: Terms = (
        ("Floor of accounts", count(release["account_floor"])),
        (
            "Conversations counted of one account",
            f"{release['account_conversation_limit']} at most",
        ),
        ("Tasks counted of one account", f"{release['account_task_limit']} at most"),
        ("p of the p% rule", "not told: it would help to work backwards from what is withheld"),
    )
    if release["account_unit"] == "unknown":
        of_accounts = tuple((name, "none: accounts are unknown") for name, _ in of_accounts)
    return (
        ("Floor of conversations", count(release["conversation_floor"])),
        *of_accounts,
        ("Protection of counts", plain(release["disclosure_mode"])),
        ("Rounding base", count(release["rounding_base"])),
        ("Keys", "not told: one for each purpose and quarter, made from the publisher's own"),
        *_made_by(release),
    )


def _attack(answers: Answers) -> Section:
    caption = "What disclosure control did and what the attack found"
    return _found("What the attack found", found_words(answers), caption, answers)


def _noise(answers: Answers) -> Section:
    title = "What noise was added"
    return _found(title, noise.noise_words(answers), f"{title}, and what it cost", answers)


def _found(title: str, words: str, caption: str, answers: Answers) -> Section:
    if not answers["disclosure"]:
        return Section("attack", title, (Paragraph(words),))
    table = Table(
        caption=caption,
        base="accepted conversations for a share of conversations; else none: counts, widths in"
        " conversations, probabilities",
        rule=NO_ALLOCATION,
        columns=("Measure", "What it says", "Figure"),
        text_columns=2,
        rows=tuple(_measure(row) for row in answers["disclosure"]),
    )
    return Section("attack", title, (Paragraph(words), table))


def _measure(row: Row) -> tuple[str, ...]:
    name, value = row["measure"], row["value"]
    if name.startswith("epsilon"):
        figure = f"{value:g}"
    elif name == "guess_limit":
        figure = percent(value, 3)
    elif name.endswith(("_share", "_detection")):
        figure = percent(value)
    else:
        figure = width(value) if name.endswith(("_interval", "_reach", "_scale")) else count(value)
    return (plain(name), row["description"], figure)


def _withheld(answers: Answers) -> tuple[Block, ...]:
    if not answers["withheld"]:
        return (Paragraph("The release does not say how many cells were withheld."),)
    return (withheld_table(answers["withheld"]),)
