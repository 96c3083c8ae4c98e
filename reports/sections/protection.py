"""Decides in which words a release's protection is told, with the release's own parameters."""

from reports.database import Answers, Row
from reports.figures import number_of, percent, width

Terms = tuple[tuple[str, str], ...]
"""Terms and whole sentences about them."""

_ATTACK = (
    "Before it is published, the release is attacked: linear programs look for the least and the"
    " most that can lie in each withheld figure of the units that are shown, in what they leave of"
    " their totals, in each group of tasks that no shown figure tells apart, and in each withheld"
    " unit that is made of such groups. They are given every shown figure, the floors, how figures"
    " are made, and which are withheld only to protect others. A withheld unit that holds a part of"
    " a group is not attacked: that part can be anything from nothing to the whole group."
)
_NO_ACCOUNTS = "The sources carry no account ids, so nothing could be limited by account."


def is_exact(release: Row) -> bool:
    """Whether counts are shown as they are, and protected by withholding others."""
    mode: str = release["disclosure_mode"]
    return mode == "suppression"


def against_words(release: Row) -> str:
    """Whom the protection is for, and what the other side is taken to know."""
    person, secret = ", one account taken as one person", ", nor p of the p% rule"
    if release["account_unit"] == "unknown":
        person = secret = ""
    return (
        f"Protected is everyone who held a conversation{person}, against anyone who reads the"
        " database and its reports. The reader is taken to know the code, the rules and every"
        f" released figure, but neither the secret keys{secret}, nor a conversation. Whoever runs"
        " Worktally has the conversations, and is not kept from them."
    )


def measures(answers: Answers) -> dict[str, float]:
    """What the release says of its disclosure control, by measure."""
    return {row["measure"]: row["value"] for row in answers["disclosure"]}


def limit_words(answers: Answers) -> str:
    """What of one account is counted, and how much is not."""
    release = answers["releases"][0]
    if release["account_unit"] == "unknown":
        return _NO_ACCOUNTS
    limits = (
        f"Of one account, {number_of(release['account_conversation_limit'], 'conversation')} of"
        f" {number_of(release['account_task_limit'], 'task')} are counted at most; where it has"
        " more, chance with a secret key decides which."
    )
    if not is_exact(release):
        limits += (
            " Usage of a major group is told without the limits as well where what they remove of"
            " it meets all that a figure has to meet; a later release of the quarter tells it again"
            " unchanged, or not."
        )
    found = measures(answers)
    if (removed := found.get("removed_conversations")) is None:
        return limits
    if not removed:
        return f"{limits} Rounded, no conversation was over the limits."
    return (
        f"{limits} {number_of(round(removed), 'conversation was', 'conversations were')} over the"
        f" limits and not counted: {percent(found.get('removed_share'))} of those accepted."
    )


def floor_words(release: Row) -> str:
    """From where on a figure is shown."""
    floor, multiple = release["conversation_floor"], _multiple_above(release)
    shown = f"A figure is shown from {floor} conversations on"
    if multiple > floor and not is_exact(release):
        shown += (
            f"; of those under {multiple}, the next multiple of {release['rounding_base']}, a draw"
            f" with a secret key says which are shown, as {multiple}"
        )
    shown += f". At least {floor} of them must not be near-copies of each other"
    if release["account_floor"] is None:
        return (
            f"{shown}. The accounts are unknown, so that no floor of accounts can be kept; the"
            " floor of conversations is higher instead."
        )
    return f"{shown}, and they must come from at least {release['account_floor']} accounts."


def rule_words(release: Row) -> str:
    """All of what a single figure has to meet."""
    if release["account_floor"] is None:
        return floor_words(release)
    return (
        f"{floor_words(release)} Accounts that send near-copies of each other's conversations count"
        " as one. A figure is withheld as well where one account makes up so much of it that"
        " another could work its part out (the p% rule; p is not told)."
    )


def rounding_words(answers: Answers) -> str:
    """What became of the counts that are shown."""
    release = answers["releases"][0]
    base = release["rounding_base"]
    if is_exact(release):
        return (
            "Counts of the taxonomy and of patterns are exact; usage that is no whole number goes"
            " up or down to one by a draw with a secret key, so that parts still add up. So that"
            " withheld figures cannot be subtracted from them, more are withheld: those that cost"
            " least, until the attack finds nothing. Accounts, and conversations of a cluster, are"
            f" rounded down to multiples of {base}, and no cluster is shown that is of fewer than"
            f" {_multiple_above(release)}; what was rejected or not counted is rounded to the"
            " nearest one."
        )
    words = (
        f"Counts are multiples of {base}. Which multiple near the true count is shown is drawn with"
        " a secret key, the nearer one more often, and so that parts still add up to their totals."
    )
    if (reach := measures(answers).get("rounding_reach")) is not None:
        words += f" The truth is less than {width(reach)} away from what is shown."
    return (
        f"{words} Shares are of rounded counts. Accounts, and conversations of a cluster, are"
        f" rounded down, and no cluster is shown that is of fewer than {_multiple_above(release)};"
        " what was rejected or not counted is rounded to the nearest multiple."
    )


def attack_words(answers: Answers) -> str:
    """How a release is attacked."""
    if not is_exact(answers["releases"][0]):
        return _ATTACK
    words = " What is withheld only to protect others may become known: it meets all rules itself."
    if (known := measures(answers).get("sums_known_from")) is not None:
        words += (
            " So may what holds all of a figure that meets the rules, and"
            f" {width(known)} conversations or more: it meets them as well."
        )
    return _ATTACK + words


def found_words(answers: Answers) -> str:
    """What the attack on the release found."""
    found = measures(answers)
    if (attacked := found.get("attacked_figures")) is None:
        return "The release does not say what the attack found."
    words = f"{number_of(round(attacked), 'figure was', 'figures were')} attacked."
    if attacked and "narrowest_interval" in found and "wanted_interval" in found:
        words += (
            f" The narrowest interval is {width(found['narrowest_interval'])} conversations wide,"
            " as far as was looked: the search ends at a figure once its interval is"
            f" {width(found['wanted_interval'])} wide. For a narrower one another figure would have"
            " been withheld, or nothing published."
        )
    if "complementary_cells" in found:
        cells = number_of(round(found["complementary_cells"]), "cell is", "cells are")
        words += f" {cells} withheld to protect others."
    return words


def promises(answers: Answers) -> Terms:
    """What holds of this release."""
    release, found = answers["releases"][0], measures(answers)
    items = [
        (
            "Nobody's words",
            "The database holds no conversation text and no row about a conversation or a person."
            " Labels of clusters are statements of the taxonomy.",
        ),
        (
            "No small figure",
            "No figure of a unit of the taxonomy, a pattern or a cluster is shown that is of fewer"
            f" than {release['conversation_floor']} conversations{_of_accounts(release)}.",
        ),
    ]
    if "wanted_interval" in found:
        items.append(
            (
                "No subtraction",
                f"{_withheld_figure(release)} can be worked out from shown ones: the least"
                f" and the most that it can be lie at least {width(found['wanted_interval'])}"
                " conversations apart. In the usage of a unit that is withheld whole, a"
                " conversation counts for less than one where others share its task.",
            )
        )
    if release["account_unit"] != "unknown":
        limit = number_of(release["account_conversation_limit"], "conversation")
        heavy = (
            f"No account adds more than {limit} of"
            f" {number_of(release['account_task_limit'], 'task')} to what is counted"
        )
        if not is_exact(release):
            heavy += (
                ", but for the usage of major groups without limits: that holds all it has, and is"
                " told only where no account makes up much of it, or of what the limits remove"
            )
        items.append(("No heavy user", f"{heavy}."))
    return tuple(items)


def gaps(answers: Answers) -> Terms:
    """What does not hold, of what a reader may expect."""
    release = answers["releases"][0]
    base = release["rounding_base"]
    several_words = ", and for an account with several in it with as many times that"
    several = (
        "Several accounts of one person are limited one by one, and count as several people, but"
        " for near-copies."
    )
    if release["account_unit"] == "unknown":
        several_words = ""
        several = "As accounts are unknown, nobody knows how few people are behind a figure."
    elif release["account_conversation_limit"] >= base:
        several_words += f": with {base} it is certain"
    one_more = (
        "Rounding does not hide whether one conversation more was there: a given figure that holds"
        f" it would be another one with a probability of 1 in {base}{several_words}. A conversation"
        " is in many figures, so that some figure changes more often than that, and at the floor"
        " one is shown for it. To see it, one has to know all the other conversations."
    )
    if is_exact(release):
        one_more = (
            "Exact figures do not hide whether one conversation more was there: every figure that"
            " holds it is larger by one. To see it, one has to know all the other conversations."
            " A quarter with exact figures is released once, or what changed could be subtracted."
        )
    return (
        ("One conversation more", one_more),
        ("Several accounts", several),
        (
            "Knowledge from elsewhere",
            "Whoever knows some of the conversations, such as those of their own team, can subtract"
            " them: the attack knows nothing but the release.",
        ),
        (
            "Differential privacy",
            "This is not differential privacy, which would bound what any figure tells of an"
            " account, whatever else is known.",
        ),
    )


def sentences(terms: Terms) -> str:
    """The sentences without their terms."""
    return " ".join(text for _, text in terms)


def _withheld_figure(release: Row) -> str:
    if is_exact(release):
        return "No figure of the taxonomy that is withheld for its own sake"
    return "No withheld figure of the taxonomy"


def _multiple_above(release: Row) -> int:
    """The floor, or the next multiple of the base above it."""
    floor: int = release["conversation_floor"]
    base: int = release["rounding_base"]
    return -(-floor // base) * base


def _of_accounts(release: Row) -> str:
    return f" or {release['account_floor']} accounts" if release["account_floor"] else ""
