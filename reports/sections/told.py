"""Decides which words tell of a release's protection: rounding, exact figures, or noise."""

from dataclasses import dataclass, replace

from reports.database import Answers, Row
from reports.sections import noise, protection
from reports.sections.protection import Terms


@dataclass(frozen=True)
class Told:
    """What the reports say of how counts are protected.

    Attributes:
        lead: A sentence or two at the very top.
        unit: What a count is given in.
        kind: Of the counts that shares are of.
        coverage: What the counts of coverage are.
        limits: What of one account is counted.
        withheld: Paragraphs about what is withheld and why.
        clusters: Why there are none, where the mode is why.
        interval: What the intervals cover, and what they do not.
        line: How counts go into the database.
        terms: The protection, for the method section.
        against: Whom it is for.
        promises: What holds.
        gaps: What does not.
        same_figures: What shares are computed from, and when they come out the same again.
        sources: Of the methods.
    """

    lead: str
    unit: str
    kind: str
    coverage: str
    limits: str
    withheld: tuple[str, ...]
    clusters: str
    interval: str
    line: str
    terms: Terms
    against: str
    promises: Terms
    gaps: Terms
    same_figures: str
    sources: str


def is_noisy(release: Row) -> bool:
    """Whether counts have noise instead of being rounded."""
    mode: str = release["disclosure_mode"]
    return mode == "dp"


def tell(answers: Answers) -> Told:
    """The words of the quarter's own release."""
    release = answers["releases"][0]
    if is_noisy(release):
        return _noise(answers)
    return _exact(answers) if protection.is_exact(release) else _rounding(answers)


def _rounding(answers: Answers) -> Told:
    release = answers["releases"][0]
    base = release["rounding_base"]
    limits = protection.limit_words(answers)
    rounding = protection.rounding_words(answers)
    attack = f"{protection.attack_words(answers)} {protection.found_words(answers)}"
    return Told(
        lead=f"Counts are rounded to multiples of {base}, and shares are of rounded counts.",
        unit=f"in multiples of {base}",
        kind="rounded counts",
        coverage=f"Counts are rounded to multiples of {base}, rows in and accepted as sums of"
        " rounded counts; a count that has to be withheld is missing.",
        limits=limits,
        withheld=(protection.floor_words(release), rounding, attack),
        clusters="",
        interval="It covers neither the rounding, nor",
        line="Counts that may be shown are rounded, attacked, and go into the database",
        terms=(
            ("Limits per account", limits),
            ("Floors", protection.rule_words(release)),
            ("Rounding", rounding),
            ("The attack", attack),
        ),
        against=protection.against_words(release),
        promises=protection.promises(answers),
        gaps=protection.gaps(answers),
        same_figures="Every share is computed from released counts. What was rejected, undecided,"
        " over the limits or withheld is counted in all. The same input, settings, key and versions"
        " give the same figures.",
        sources="rounding follows Cox (1987), Journal of the American Statistical Association"
        " 82:520; the attack follows Hundepool et al. (2012), Statistical Disclosure Control.",
    )


def _exact(answers: Answers) -> Told:
    told = _rounding(answers)
    base = answers["releases"][0]["rounding_base"]
    return replace(
        told,
        lead="Counts are exact, and so many of them withheld that the others cannot be worked out.",
        unit="exact",
        kind="exact counts",
        coverage="What is counted, what was matched to no task and what has no pattern is exact,"
        f" all else rounded to multiples of {base}; rows in and accepted are sums of both. A count"
        " that has to be withheld is missing.",
        interval="It does not cover",
        line="Counts that may be shown are attacked, others withheld until nothing can be worked"
        " out, and what is left goes into the database",
        terms=tuple(
            ("Exact figures" if name == "Rounding" else name, text) for name, text in told.terms
        ),
        sources="the attack, and what is withheld to protect others, follow Hundepool et al."
        " (2012), Statistical Disclosure Control.",
    )


def _noise(answers: Answers) -> Told:
    release = answers["releases"][0]
    limits, added = noise.limit_words(release), noise.noise_words(answers)
    return Told(
        lead="Counts have noise (differential privacy), and shares are of counts with noise.",
        unit="with noise",
        kind="counts with noise",
        coverage="Counts have noise. Rows in, rejected rows, unclustered conversations and accounts"
        " are not told: they would need noise of their own. A count that is lost in the noise is"
        " missing.",
        limits=limits,
        withheld=(noise.withheld_words(release), added, noise.budget_words(release)),
        clusters="With noise none ever is: clusters depend on all conversations together, and no"
        " noise hides one account in them.",
        interval="It is widened by the noise. It does not cover",
        line="Noise is added to every count there can be, and what is not lost in it goes into the"
        " database",
        terms=(
            ("Limits per account", limits),
            ("Noise", added),
            ("What is withheld", noise.withheld_words(release)),
            ("Budget", noise.budget_words(release)),
        ),
        against=noise.against_words(),
        promises=noise.promises(answers),
        gaps=noise.gaps(answers),
        same_figures="Every share is computed from released counts. The same input, settings, key,"
        " versions and ledger give the same figures.",
        sources="noise follows Dwork and Roth (2014), The Algorithmic Foundations of Differential"
        " Privacy; counts that add up follow Hay et al. (2010), PVLDB 3(1).",
    )
