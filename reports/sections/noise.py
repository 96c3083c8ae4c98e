"""Decides in which words differential privacy is told, with the release's own parameters."""

from math import exp

from reports.database import Answers, Row
from reports.figures import count, number_of, percent, width
from reports.sections.protection import Terms, measures


def against_words() -> str:
    """Whom the noise is for, and what the other side is taken to know."""
    return (
        "Protected is everyone who held a conversation, one account taken as one person, against"
        " anyone who reads the database and its reports. The reader is taken to know anything: the"
        " code, the rules, and all conversations but those of one account. Whoever runs Worktally"
        " has the conversations, and is not kept from them; nor is whoever reads the ledger, the"
        " work directory or the summary of the run, which stay with the publisher."
    )


def limit_words(release: Row) -> str:
    """What of one account is counted."""
    return (
        f"Of one account, {number_of(release['account_conversation_limit'], 'conversation')} of"
        f" {number_of(release['account_task_limit'], 'task')} are counted at most, and one of each"
        " task and collaboration pattern; where it has more, chance with a secret key decides"
        " which. How many that removes is not told."
    )


def noise_words(answers: Answers) -> str:
    """What became of the counts."""
    release, found = answers["releases"][0], measures(answers)
    words = "Every count that there can be is measured with noise of its own, used or not"
    if (cells := found.get("measured_cells")) is not None:
        words += f": {count(cells)} of them"
    words += (
        ", of matched and unmatched conversations, SOC major groups, occupations and tasks, by"
        " collaboration pattern. The noise is Laplace noise drawn by OpenDP"
    )
    if (scale := found.get("noise_scale")) is not None:
        words += f", of scale {width(scale)} conversations"
    limit = number_of(release["account_conversation_limit"], "conversation")
    return (
        f"{words}: as much as hides the {limit} of an account. Then the counts are fitted to each"
        " other, so that parts add up to their totals and none is negative. Every other figure is"
        " computed from these counts, and from nothing else."
    )


def withheld_words(release: Row) -> str:
    """What is not shown, which is not for anybody's protection."""
    return (
        "A figure is withheld where the noise of 95 of 100 draws is wider than the figure, or where"
        f" it is of fewer than {release['conversation_floor']} conversations with noise. It would"
        " mean nothing; nobody's protection needs it."
    )


def budget_words(release: Row) -> str:
    """What the release costs of the budget."""
    return (
        f"The counts of this quarter cost epsilon {release['epsilon']:g}. With all that was drawn"
        f" for this database before, {release['epsilon_spent']:g} is spent, of"
        f" {release['epsilon_total']:g} at most. A ledger beside the database keeps what was drawn:"
        " the same counts are given the same noise again, and changed ones spend again. Where the"
        " budget does not allow it, the run ends with exit code 5, and nothing is published."
    )


def promises(answers: Answers) -> Terms:
    """What holds of this release."""
    release = answers["releases"][0]
    epsilon = release["epsilon"]
    return (
        (
            "Nobody's words",
            "The database holds no conversation text and no row about a conversation or a person.",
        ),
        (
            "Nobody's presence",
            f"With the conversations of any one account in the quarter or without them, no outcome"
            f" of the quarter's release is more than {exp(epsilon):,.1f} times as likely (e to the"
            f" epsilon of {epsilon:g}). Whoever gives even odds that an account is in it can"
            f" become {percent(1 / (1 + exp(-epsilon)), 3)} sure at most, whatever else they know.",
        ),
        (
            "No telling gaps",
            "Which rows there are depends on the taxonomy alone; which of them are withheld depends"
            " on counts with noise alone.",
        ),
        ("No heavy user", limit_words(release)),
    )


def gaps(answers: Answers) -> Terms:
    """What does not hold, of what a reader may expect."""
    release = answers["releases"][0]
    spent = release["epsilon_spent"]
    return (
        (
            "Several quarters",
            "Epsilons add up. An account that is in every quarter of this database is protected by"
            f" their sum, {spent:g} so far: no outcome of all releases is more than"
            f" {exp(spent):,.1f} times as likely with it. What was released elsewhere, or rounded,"
            " is not in the sum.",
        ),
        (
            "Several accounts",
            "Several accounts of one person are protected one by one: for two of them epsilon"
            " counts twice.",
        ),
        (
            "What many do",
            "What is shown of many is meant to be known, also where somebody is known to be one of"
            " them: what a team does alike is not hidden by hiding each of the team.",
        ),
        (
            "Released anew",
            "That a quarter comes with other figures the second time says that its conversations or"
            " the settings changed.",
        ),
        (
            "Settings",
            "What was set by looking at the conversations is not covered, nor that the run was not"
            " stopped, as for too many rejected rows.",
        ),
        (
            "Judged one by one",
            "The proof takes it that an account changes nothing of how conversations of others are"
            " judged, and that no two accounts share the id of a conversation.",
        ),
        (
            "Small figures",
            "Noise is as large for a small figure as for a large one: little is shown of what few"
            " people do.",
        ),
    )


def parameters(release: Row) -> Terms:
    """The parameters of the mode."""
    return (
        ("Mode", "differential privacy, of accounts, within a quarter"),
        ("Epsilon of the quarter", f"{release['epsilon']:g}"),
        ("Epsilon of the database so far", f"{release['epsilon_spent']:g}"),
        ("Epsilon of the database, at most", f"{release['epsilon_total']:g}"),
        (
            "Conversations counted of one account",
            f"{release['account_conversation_limit']} at most, one of each task and pattern",
        ),
        ("Tasks counted of one account", f"{release['account_task_limit']} at most"),
        ("Least conversations of a figure, with noise", count(release["conversation_floor"])),
    )
