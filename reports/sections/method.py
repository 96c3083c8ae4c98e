"""Decides what a reader is told about how the figures are made, and what they do not promise."""

import json

from reports.content import Block, Definitions, Paragraph, Section
from reports.database import Answers, Row
from reports.sections.protection import sentences
from reports.sections.told import tell
from reports.words import DEFINITIONS

_RULES = (
    (
        "Allocation rule split",
        "A task held by n occupations adds 1/n of its count to each. Shares add up to 100% of the"
        " usage that was allocated to tasks.",
    ),
    (
        "Allocation rule full",
        "A task's whole count goes to each unit that holds the task. The base counts it as"
        " often, so that shares add up to 100% here too.",
    ),
    (
        "Decimals",
        "Shares in the database have as many decimals as their base can tell apart: shares of 3,000"
        " conversations four. Rounded so, they may miss 100% by the last of them; usage and base"
        " stand beside them.",
    ),
    (
        "Usage-weighted and task-equal",
        "The usage share weighs a task by its conversations. The task-equal share lets every task"
        " with released usage weigh the same: it tells how widely a group uses the assistant, not"
        " how often.",
    ),
    (
        "Bases five, six and all",
        "The denominators that automation shares have been published on. Five: the five patterns."
        " Six: the five and none. All: the five, none and not classified. A share whose"
        " denominator is not released in full is withheld too: without the withheld part it would"
        " be a share of something else.",
    ),
    (
        "Patterns and modes",
        "Automation and augmentation have counts of their own. A pattern may be withheld while its"
        " mode is shown. Where all of a unit is in one pattern, none of its patterns is shown.",
    ),
)
_INTERVAL = (
    "The 95% interval is the Wilson score interval of the share, with conversations taken as"
    " independent draws. It covers chance in which conversations were held. {covers}"
    " error of the classifiers and of the task search, which has a section of its"
    " own, nor that several conversations come from one account, nor who uses this product and who"
    " does not. Read it as the least uncertainty, not as all of it."
)
_NOT_MEANT = (
    "Shares tell how usage of one product spreads, not how many people of an occupation use it, nor"
    " whether a job is replaced; a task is what a conversation resembles, not what its author does"
    " for a living."
)


def method_section(answers: Answers) -> Section:
    """Definitions, rules, bases, intervals, protection and promises."""
    told = tell(answers)
    items = (
        *DEFINITIONS,
        *_RULES,
        ("Intervals", _INTERVAL.format(covers=told.interval)),
        *told.terms,
        ("Against whom", told.against),
        ("What is promised", f"{sentences(told.promises)} {told.same_figures}"),
        ("What is not promised", f"{sentences(told.gaps)} {_NOT_MEANT}"),
    )
    text = (
        "Each conversation is redacted, embedded, clustered, judged by its collaboration pattern"
        " and matched to the tasks it resembles, on one machine and without a language-model"
        " service. Then it is counted, within limits for each account."
        f" {told.line}; text and embeddings do not."
    )
    sources = (
        "Patterns, rule split and depth of use follow Handa et al. (2025), Which Economic Tasks are"
        " Performed with AI?, arXiv 2503.04761; rule full follows the Economic Index's data release"
        " of 2025-09-15; the interval is Wilson (1927), Journal of the American Statistical"
        " Association 22:209. Limits per account follow Wilson et al. (2020), PoPETs 2020(2):230;"
        f" {told.sources}"
    )
    blocks: tuple[Block, ...] = (Paragraph(text), Definitions(items), Paragraph(sources))
    return Section("method", "Method", blocks)


def versions_section(answers: Answers) -> Section:
    """What this release was made with, so that it can be made again."""
    release = answers["releases"][0]
    items = (
        ("Release", release["release_id"]),
        ("Quarter", release["quarter"]),
        ("Product", release["platform_and_product"]),
        ("Task taxonomy", f"{release['onet_release']}: {release['taxonomy_notice']}"),
        ("Accounts", _account_words(release)),
        ("Quarter decided by", _time_words(release)),
        ("Code", release["code_version"]),
        ("Sentence encoder", release["model_name"]),
        ("Hash of the encoder", release["model_hash"]),
        ("Hash of the classifiers", release["classifiers_hash"]),
        ("Constitution (what the labels mean)", release["constitution_version"]),
        ("Hash of the settings", release["settings_hash"]),
        ("Packages", _packages(release["package_versions"])),
    )
    return Section("versions", "Versions", (Definitions(items),))


def _account_words(release: Row) -> str:
    if release["account_unit"] == "unknown":
        return "unknown: the sources carry no account ids"
    return f"one {release['account_unit']} counts as one person"


def _time_words(release: Row) -> str:
    if release["time_basis"] == "assumed":
        return "assumed: rows without a time were taken as of this quarter"
    return "the time a conversation started at, UTC"


def _packages(text: str) -> str:
    try:
        versions = json.loads(text)
    except ValueError:
        return text
    if not isinstance(versions, dict) or not versions:
        return "not recorded"
    return ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
