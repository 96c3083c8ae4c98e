"""Every hand-over table of the line: its columns, its rules and the privacy zone it lives in."""

import enum
from typing import ClassVar

import dataframely as dy
import polars as pl

from taxonomy.patterns import MODES, NOT_CLASSIFIED, PATTERN_BASES, PATTERNS

dy.Config.set_max_failure_examples(0)  # a failed rule is named and counted; its values never leave

KEYED_HASH = r"^[0-9a-f]{32}$"
QUARTER = r"^\d{4}Q[1-4]$"
ROLES = ("system", "user", "assistant", "tool")
USE_CASES = ("work", "coursework", "personal")
SENSITIVE_SUBJECTS = (
    "health",
    "sex_life",
    "religion",
    "politics",
    "union_membership",
    "ethnic_origin",
    "crime",
    "self_harm",
    "personal_finance",
)
NO_SUBJECT = "none"
SOC_LEVELS = ("major", "minor", "broad")
UNIT_LEVELS = ("all", *SOC_LEVELS, "occupation", "task")
ALLOCATION_RULES = ("split", "full")
MATCH_OUTCOMES = ("matched", "none", NOT_CLASSIFIED)
SUPPRESSIONS = ("none", "primary", "complementary", "rolled_up", "too_noisy")
_WHY_WITHHELD = (
    "none: shown; primary: fails a rule by itself, is of nobody, or is rounded below the floor;"
    " complementary: withheld to protect others; rolled_up: no pattern of the unit is shown;"
    " too_noisy: less than the noise of mode dp"
)
DISCLOSURE_MODES = ("rounding", "suppression", "dp")
STAGES = (
    "ingest",
    "redact",
    "embed",
    "cluster",
    "classify",
    "rank",
    "match",
    "aggregate",
    "disclose",
    "publish",
    "report",
)


class Zone(enum.Enum):
    """Who may see a table: text and unit rows stay in the work directory, published rows leave."""

    TEXT = "text"
    UNIT = "unit"
    AGGREGATE = "aggregate"
    PUBLISHED = "published"


class TextTable(dy.Schema):
    """Holds people's words; purged when a run succeeds."""

    zone: ClassVar[Zone] = Zone.TEXT


class UnitTable(dy.Schema):
    """Holds a row per conversation, or per person; purged when a run succeeds."""

    zone: ClassVar[Zone] = Zone.UNIT


class AggregateTable(dy.Schema):
    """Holds counts before disclosure control."""

    zone: ClassVar[Zone] = Zone.AGGREGATE


class PublishedTable(dy.Schema):
    """Holds nothing but what may leave; the only zone that publish accepts."""

    zone: ClassVar[Zone] = Zone.PUBLISHED


# --- text -----------------------------------------------------------------------------------


class Conversations(TextTable):
    """One accepted conversation of the quarter."""

    conversation_id = dy.String(primary_key=True, regex=KEYED_HASH)
    account_id = dy.String(nullable=True, regex=KEYED_HASH)
    started_at = dy.Datetime(nullable=True, time_zone="UTC", time_unit="us")
    source = dy.String()
    language = dy.String(nullable=True)
    country = dy.String(nullable=True)
    model = dy.String(nullable=True)
    message_count = dy.Int64(min=1)


class Messages(TextTable):
    """One message of an accepted conversation, as it was written."""

    conversation_id = dy.String(primary_key=True, regex=KEYED_HASH)
    message_index = dy.Int64(primary_key=True, min=0)
    role = dy.Enum(ROLES)
    text = dy.String()


class RedactedMessages(TextTable):
    """One message with every detected entity replaced by its constant placeholder."""

    conversation_id = dy.String(primary_key=True, regex=KEYED_HASH)
    message_index = dy.Int64(primary_key=True, min=0)
    role = dy.Enum(ROLES)
    text = dy.String()


class Redactions(TextTable):
    """Where an entity was found: offsets in the original text, never the text itself."""

    conversation_id = dy.String(primary_key=True, regex=KEYED_HASH)
    message_index = dy.Int64(primary_key=True, min=0)
    start = dy.Int64(primary_key=True, min=0)
    end = dy.Int64(min=1)
    entity_type = dy.String()
    score = dy.Float64(min=0.0, max=1.0)

    @dy.rule()
    def an_entity_ends_after_it_starts(cls) -> pl.Expr:
        return cls.end.col > cls.start.col


# --- unit -----------------------------------------------------------------------------------


class Rejects(UnitTable):
    """One input row that did not go on, with the rule it failed; never its content."""

    stage = dy.Enum(STAGES)
    rule = dy.String(regex=r"^[a-z_]+$")
    row_hash = dy.String(nullable=True, regex=KEYED_HASH)
    source_file = dy.String()
    line = dy.Int64(nullable=True, min=1)


class ConversationEmbeddings(UnitTable):
    """The unit vectors of a conversation's user turns.

    `embedding` is of the whole conversation: the weighed mean of the two others, normalized.
    """

    conversation_id = dy.String(primary_key=True, regex=KEYED_HASH)
    embedding = dy.List(dy.Float32())
    opening_embedding = dy.List(dy.Float32())
    follow_up_embedding = dy.List(dy.Float32(), nullable=True)


class ClusterAssignments(UnitTable):
    """The cluster of a conversation; null is noise, published as `unclustered`."""

    conversation_id = dy.String(primary_key=True, regex=KEYED_HASH)
    cluster_id = dy.Int64(nullable=True, min=0)
    membership_probability = dy.Float64(min=0.0, max=1.0)


class Clusters(UnitTable):
    """One cluster of conversations, before disclosure control."""

    cluster_id = dy.Int64(primary_key=True, min=0)
    level = dy.Int64(min=0)
    parent_cluster_id = dy.Int64(nullable=True, min=0)
    conversation_count = dy.Int64(min=1)
    mean_membership_probability = dy.Float64(min=0.0, max=1.0)


class Classifications(UnitTable):
    """What a conversation was for; null and `not_classified` are abstentions."""

    conversation_id = dy.String(primary_key=True, regex=KEYED_HASH)
    language = dy.String()
    is_occupational = dy.Bool(nullable=True)
    occupational_probability = dy.Float64(min=0.0, max=1.0)
    use_case = dy.Enum(USE_CASES, nullable=True)
    use_case_probability = dy.Float64(min=0.0, max=1.0)
    pattern = dy.Enum(PATTERNS)
    pattern_probability = dy.Float64(min=0.0, max=1.0)
    sensitive_subject = dy.Enum((*SENSITIVE_SUBJECTS, NO_SUBJECT), nullable=True)
    sensitive_probability = dy.Float64(min=0.0, max=1.0)  # of all subjects together


class RankedTasks(UnitTable):
    """The tasks that fit a conversation best, best first.

    `score` is the probability that the task is the conversation's, among all tasks of the release;
    `soc_major` is the group the conversation was judged to be of, the same in all its rows.
    """

    conversation_id = dy.String(primary_key=True, regex=KEYED_HASH)
    rank = dy.Int64(primary_key=True, min=1)
    task_id = dy.Int64()
    score = dy.Float64(min=0.0, max=1.0)
    soc_major = dy.String(regex=r"^\d\d-0000$")
    soc_major_probability = dy.Float64(min=0.0, max=1.0)


class TaskMatches(UnitTable):
    """The tasks of a conversation, a row per occupation that holds the task; weights sum to 1.

    Outcome `none`: the conversation is not occupational. Outcome `not_classified`: no task fits,
    or the conversation could not be judged. Both have one row of weight 1 and no task.
    """

    conversation_id = dy.String(regex=KEYED_HASH)
    outcome = dy.Enum(MATCH_OUTCOMES)
    task_id = dy.Int64(nullable=True)
    onet_soc_code = dy.String(nullable=True, regex=r"^\d\d-\d{4}\.\d\d$")
    score = dy.Float64(nullable=True)
    weight = dy.Float64(min=0.0, max=1.0)

    @dy.rule()
    def weights_of_a_conversation_sum_to_one(cls) -> pl.Expr:
        return (cls.weight.col.sum().over(cls.conversation_id.name) - 1.0).abs() < 1e-9

    @dy.rule()
    def only_a_match_names_a_task(cls) -> pl.Expr:
        is_matched = cls.outcome.col == "matched"
        return (is_matched == cls.task_id.col.is_not_null()) & (
            is_matched == cls.onet_soc_code.col.is_not_null()
        )


# --- aggregate ------------------------------------------------------------------------------


class Observations(UnitTable):
    """Usage before it is counted: what the cube and the Economic Index's tables both feed in.

    `usage` is 1 for a conversation and a percentage for a row of a published table; `weight` is
    the part of the task that its occupation holds (1/n for a task of n occupations).
    """

    observation_id = dy.String()
    account_id = dy.String(nullable=True)
    outcome = dy.Enum(MATCH_OUTCOMES)
    task_id = dy.Int64(nullable=True)
    onet_soc_code = dy.String(nullable=True)
    weight = dy.Float64(min=0.0, max=1.0)
    pattern = dy.Enum(PATTERNS)
    usage = dy.Float64(min=0.0)


class Cells(AggregateTable):
    """The cube: usage by unit of the taxonomy and collaboration pattern.

    `unit_id` is a SOC code, an O*NET-SOC code, a task id, or `all`, `none`, `not_classified`.
    Copies of a conversation are one of `distinct_conversation_count`, and accounts that send copies
    of each other's are one of `account_count`; the two largest accounts count conversations.
    """

    quarter = dy.String(primary_key=True, regex=QUARTER)
    unit_level = dy.Enum(UNIT_LEVELS, primary_key=True)
    unit_id = dy.String(primary_key=True)
    allocation_rule = dy.Enum(ALLOCATION_RULES, primary_key=True)
    pattern = dy.Enum(("all", *MODES, *PATTERNS), primary_key=True)
    usage = dy.Float64(min=0.0)
    conversation_count = dy.Int64(min=0)
    distinct_conversation_count = dy.Int64(min=0)
    account_count = dy.Int64(nullable=True, min=0)
    largest_account_count = dy.Int64(nullable=True, min=0)
    second_account_count = dy.Int64(nullable=True, min=0)

    @dy.rule()
    def accounts_do_not_exceed_conversations(cls) -> pl.Expr:
        return cls.account_count.col <= cls.conversation_count.col

    @dy.rule()
    def distinct_conversations_do_not_exceed_conversations(cls) -> pl.Expr:
        return cls.distinct_conversation_count.col <= cls.conversation_count.col


class ClusterCells(AggregateTable):
    """Counts of a cluster: in all (null task), and by task within it; columns as in `Cells`."""

    cluster_id = dy.Int64(min=0)
    task_id = dy.Int64(nullable=True)
    conversation_count = dy.Int64(min=1)
    distinct_conversation_count = dy.Int64(min=1)
    account_count = dy.Int64(nullable=True, min=0)
    largest_account_count = dy.Int64(nullable=True, min=0)
    second_account_count = dy.Int64(nullable=True, min=0)


class AccountSketch(AggregateTable):
    """How many accounts fall into each bucket of a keyed hash: what the ledger compares."""

    bucket = dy.Int64(primary_key=True, min=0)
    account_count = dy.Int64(min=0)


# --- published ------------------------------------------------------------------------------


class ReleasedCells(PublishedTable):
    """A cell after disclosure control: withheld figures are null, with the reason beside them."""

    quarter = dy.String(primary_key=True, regex=QUARTER, description="Calendar quarter, UTC")
    unit_level = dy.Enum(
        UNIT_LEVELS, primary_key=True, description="Level of the taxonomy the cell lies on"
    )
    unit_id = dy.String(
        primary_key=True,
        description="SOC code, O*NET-SOC code, task id, or all, none, not_classified",
    )
    allocation_rule = dy.Enum(
        ALLOCATION_RULES,
        primary_key=True,
        description="split: a task of n occupations adds 1/n to each; full: all of it to each",
    )
    pattern = dy.Enum(
        ("all", *MODES, *PATTERNS),
        primary_key=True,
        description="Collaboration pattern, mode, or all",
    )
    usage = dy.Float64(
        nullable=True, min=0.0, description="Conversations after allocation; null when withheld"
    )
    conversation_count = dy.Int64(
        nullable=True, min=0, description="Distinct conversations; null when withheld"
    )
    usage_lower = dy.Float64(
        nullable=True,
        description="Lower bound: 95 % interval of the noise; null without any",
    )
    usage_upper = dy.Float64(nullable=True, description="Upper bound of the same interval")
    suppression = dy.Enum(SUPPRESSIONS, description=_WHY_WITHHELD)

    @dy.rule()
    def a_withheld_cell_has_no_figures(cls) -> pl.Expr:
        return (cls.suppression.col == "none") == cls.usage.col.is_not_null()


class _Share(PublishedTable):
    """Columns that every table of shares has."""

    quarter = dy.String(primary_key=True, regex=QUARTER, description="Calendar quarter, UTC")
    onet_release = dy.String(
        primary_key=True, description="Release of the task taxonomy, such as 30.1 or starter-1"
    )
    usage = dy.Float64(
        nullable=True, min=0.0, description="Conversations after allocation; null when withheld"
    )
    conversation_count = dy.Int64(
        nullable=True, min=0, description="Distinct conversations; null when withheld"
    )
    base = dy.String(description="Name of the denominator of the share")
    base_usage = dy.Float64(nullable=True, min=0.0, description="The denominator of the share")
    share = dy.Float64(
        nullable=True,
        min=0.0,
        max=1.0,
        description="usage / base_usage, 0 to 1, to as many decimals as base_usage can tell apart;"
        " null if withheld",
    )
    share_lower = dy.Float64(
        nullable=True,
        min=0.0,
        max=1.0,
        description="Lower bound: 95 % Wilson score interval of the share, conversations taken"
        " as independent draws; in mode dp widened by the noise",
    )
    share_upper = dy.Float64(
        nullable=True, min=0.0, max=1.0, description="Upper bound of the same interval"
    )
    suppression = dy.Enum(SUPPRESSIONS, description=_WHY_WITHHELD)

    @dy.rule()
    def a_withheld_row_has_no_figures(cls) -> pl.Expr:
        return (cls.suppression.col == "none") == cls.usage.col.is_not_null()


class _CorrectedShare(_Share):
    """Columns of a share that an evaluation can correct for misclassification."""

    corrected_share = dy.Float64(
        nullable=True,
        min=0.0,
        max=1.0,
        description="The share corrected for misclassification, by the errors of an evaluation on"
        " labels (adjusted classify and count); null without one, and where too little is released."
        " The labels know no not_classified: base all is as base six. Modes are corrected as modes",
    )
    corrected_lower = dy.Float64(
        nullable=True,
        min=0.0,
        max=1.0,
        description="Lower bound: 95 % interval of the corrected share, over the labeled sample and"
        " the conversations counted",
    )
    corrected_upper = dy.Float64(
        nullable=True, min=0.0, max=1.0, description="Upper bound of the same interval"
    )

    @dy.rule()
    def a_withheld_share_is_not_corrected(cls) -> pl.Expr:
        return cls.share.col.is_not_null() | cls.corrected_share.col.is_null()

    @dy.rule()
    def a_corrected_share_lies_in_its_interval(cls) -> pl.Expr:
        inside = cls.corrected_share.col.is_between(
            cls.corrected_lower.col, cls.corrected_upper.col
        )
        is_null = cls.corrected_lower.col.is_null() & cls.corrected_upper.col.is_null()
        return pl.when(cls.corrected_share.col.is_null()).then(is_null).otherwise(inside)


class OccupationShares(_Share):
    """How the matched usage spreads over O*NET-SOC occupations; a row for every occupation."""

    onet_soc_code = dy.String(primary_key=True, description="O*NET-SOC code, 8 digits")
    occupation_title = dy.String(description="Title of the occupation")
    allocation_rule = dy.Enum(
        ALLOCATION_RULES,
        primary_key=True,
        description="split: a task of n occupations adds 1/n to each; full: all of it to each",
    )
    task_equal_share = dy.Float64(
        nullable=True,
        min=0.0,
        max=1.0,
        description="Share when every task with released usage weighs the same",
    )


class UncappedUsage(dy.Schema):
    """Usage of major groups without limits per account, as it may leave."""

    soc_code = dy.String(primary_key=True)
    uncapped_usage = dy.Float64(min=0.0)


class SocGroupShares(_CorrectedShare):
    """How the matched usage spreads over SOC major, minor and broad groups; a row per group."""

    soc_level = dy.Enum(SOC_LEVELS, primary_key=True, description="major, minor or broad group")
    soc_code = dy.String(primary_key=True, description="SOC code of the group, such as 15-0000")
    soc_title = dy.String(description="Title of the group")
    allocation_rule = dy.Enum(
        ALLOCATION_RULES,
        primary_key=True,
        description="split: a task of n occupations adds 1/n to each; full: all of it to each",
    )
    task_equal_share = dy.Float64(
        nullable=True,
        min=0.0,
        max=1.0,
        description="Share when every task with released usage weighs the same",
    )
    uncapped_usage = dy.Float64(
        nullable=True,
        min=0.0,
        description="Usage without the limits per account, rounded: major groups, rule split; null"
        " where it, or what the limits remove of it, does not pass the rules of a shown cell",
    )
    uncapped_base_usage = dy.Float64(
        nullable=True,
        min=0.0,
        description="Sum of uncapped_usage; null unless it is told of every major group with usage",
    )
    uncapped_share = dy.Float64(
        nullable=True,
        min=0.0,
        max=1.0,
        description="uncapped_usage / uncapped_base_usage, among the shown major groups: comparable"
        " with statistics that know no limits per account",
    )

    @dy.rule()
    def usage_without_limits_is_no_less(cls) -> pl.Expr:
        is_told = cls.uncapped_usage.col.is_not_null()
        return ~is_told | (cls.uncapped_usage.col >= cls.usage.col).fill_null(False)


class TaskShares(_Share):
    """How the matched usage spreads over tasks; a row for every task statement."""

    task_id = dy.Int64(
        primary_key=True, description="Task ID; the lowest one of tasks with the same statement"
    )
    task_statement = dy.String(description="The statement of the task")
    occupation_count = dy.Int64(min=1, description="Occupations that hold the task")


class CollaborationShares(_CorrectedShare):
    """How usage spreads over collaboration patterns, for units whose own total is released."""

    unit_level = dy.Enum(
        UNIT_LEVELS, primary_key=True, description="Level of the taxonomy the unit lies on"
    )
    unit_id = dy.String(primary_key=True, description="SOC code, O*NET-SOC code, task id, or all")
    unit_title = dy.String(description="Title of the unit")
    allocation_rule = dy.Enum(
        ALLOCATION_RULES, primary_key=True, description="How tasks of several occupations count"
    )
    pattern_base = dy.Enum(
        tuple(PATTERN_BASES),
        primary_key=True,
        description="five: the five patterns; six: five + none; all: six + not_classified",
    )
    pattern = dy.Enum(
        (*PATTERNS, *MODES),
        primary_key=True,
        description="Collaboration pattern, or the mode automation or augmentation",
    )
    withheld_pattern_count = dy.Int64(
        min=0, description="Patterns of the base that are withheld, rolled up or empty in this unit"
    )


class TaskDepth(PublishedTable):
    """Depth of use: the share of an occupation's tasks that have released usage."""

    quarter = dy.String(primary_key=True, regex=QUARTER, description="Calendar quarter, UTC")
    onet_release = dy.String(primary_key=True, description="Release of the task taxonomy")
    onet_soc_code = dy.String(primary_key=True, description="O*NET-SOC code, 8 digits")
    occupation_title = dy.String(description="Title of the occupation")
    task_count = dy.Int64(min=1, description="Task rows, core and supplemental, unweighted")
    used_task_count = dy.Int64(min=0, description="Task rows with released usage")
    depth = dy.Float64(min=0.0, max=1.0, description="used_task_count / task_count")


class ReleasedClusters(PublishedTable):
    """Clusters of conversations that pass the floors, labeled in words of the taxonomy only."""

    quarter = dy.String(primary_key=True, regex=QUARTER, description="Calendar quarter, UTC")
    cluster_id = dy.Int64(primary_key=True, min=0, description="Number of the cluster")
    level = dy.Int64(min=0, description="Level in the hierarchy; 0 is the finest")
    parent_cluster_id = dy.Int64(nullable=True, description="Cluster one level up, if any")
    label = dy.String(
        nullable=True, description="Statement of the cluster's most frequent releasable task"
    )
    label_task_id = dy.Int64(nullable=True, description="Task ID of the label")
    conversation_count = dy.Int64(
        nullable=True, min=0, description="Distinct conversations; null when withheld"
    )
    suppression = dy.Enum(SUPPRESSIONS, description=_WHY_WITHHELD)


class Coverage(PublishedTable):
    """What was accepted, rejected, unclustered, not classified and withheld, and why."""

    quarter = dy.String(primary_key=True, regex=QUARTER, description="Calendar quarter, UTC")
    stage = dy.Enum(STAGES, primary_key=True, description="Stage that counted")
    measure = dy.String(
        primary_key=True,
        description="rows_in, accepted, rejected, unclustered, none, not_classified, removed,"
        " counted, accounts, released_cells, withheld_cells, withheld_usage",
    )
    detail = dy.String(
        primary_key=True, description="Rule, judgement or unit level that the count is of"
    )
    value = dy.Int64(
        min=0,
        description="The count; but for rejects, a multiple of the rounding base, or with noise",
    )
    base_value = dy.Int64(nullable=True, min=0, description="What the count is part of")
    share = dy.Float64(nullable=True, min=0.0, max=1.0, description="value / base_value")


class Disclosure(PublishedTable):
    """What disclosure control did to the quarter, and what the attack on it found."""

    quarter = dy.String(primary_key=True, regex=QUARTER, description="Calendar quarter, UTC")
    measure = dy.String(primary_key=True, description="Name of the figure")
    value = dy.Float64(description="The figure")
    description = dy.String(description="What the figure says")


class Releases(PublishedTable):
    """One row per released quarter: by which rules, code, models and packages it was made."""

    quarter = dy.String(primary_key=True, regex=QUARTER, description="Calendar quarter, UTC")
    release_id = dy.String(description="sha256 over the released tables, first 16 digits")
    platform_and_product = dy.String(description="What the conversations were held with")
    onet_release = dy.String(description="Release of the task taxonomy")
    taxonomy_notice = dy.String(
        description="What the taxonomy is: O*NET with its licence, or 'starter, not O*NET'"
    )
    account_unit = dy.String(description="account, or unknown where sources carry no account ids")
    time_basis = dy.String(
        description="started_at, or assumed where the quarter was given by --assume-quarter"
    )
    conversation_floor = dy.Int64(min=15, description="Least conversations of a released cell")
    account_floor = dy.Int64(
        nullable=True,
        min=5,
        description="Least accounts of a released cell; null when unknown, or in mode dp",
    )
    rounding_base = dy.Int64(
        min=1,
        description="Released counts are multiples of it, in mode suppression only those of"
        " clusters and coverage; 1 where they have noise instead",
    )
    account_conversation_limit = dy.Int64(
        min=1, description="Most conversations of one account that are counted"
    )
    account_task_limit = dy.Int64(min=1, description="Most tasks of one account that are counted")
    disclosure_mode = dy.Enum(
        DISCLOSURE_MODES,
        description="rounding: controlled rounding; suppression: exact figures, with complementary"
        " suppression; dp: differential privacy, counts with noise",
    )
    epsilon = dy.Float64(
        nullable=True, min=0.0, description="Mode dp: privacy loss of the quarter's counts"
    )
    epsilon_spent = dy.Float64(
        nullable=True, min=0.0, description="Mode dp: losses of the database up to this one, summed"
    )
    epsilon_total = dy.Float64(
        nullable=True, min=0.0, description="Mode dp: the most that they may come to"
    )
    settings_hash = dy.String(description="sha256 of the settings")
    settings_json = dy.String(description="The settings, without secrets and paths")
    code_version = dy.String(description="Version of Worktally and hash of its code")
    model_name = dy.String(description="Sentence encoder")
    model_hash = dy.String(description="sha256 of the encoder's weights")
    classifiers_hash = dy.String(description="sha256 of the classifiers' weights")
    constitution_version = dy.String(description="Of the labels' definitions, as judged by")
    package_versions = dy.String(description="Versions of the packages that move figures, JSON")


class ReferenceTaskOccupations(PublishedTable):
    """Which occupations hold which task, and the weight of each under the split rule."""

    onet_release = dy.String(primary_key=True, description="Release of the task taxonomy")
    task_id = dy.Int64(primary_key=True, description="Task ID as used in task_shares")
    onet_soc_code = dy.String(primary_key=True, description="O*NET-SOC code, 8 digits")
    weight = dy.Float64(min=0.0, max=1.0, description="1/n for a task of n occupations")


class ReferenceShares(PublishedTable):
    """Shares that others have published, for comparison."""

    source = dy.String(primary_key=True, description="Publication and date")
    measure = dy.String(primary_key=True, description="pattern, mode or soc_major")
    id = dy.String(primary_key=True, description="Pattern, mode or SOC major group code")
    base = dy.String(description="Denominator")
    share = dy.Float64(min=0.0, max=1.0, description="Published share, 0 to 1")


class DataDictionary(PublishedTable):
    """Every column of every released table."""

    table_name = dy.String(primary_key=True, description="Table")
    column_name = dy.String(primary_key=True, description="Column")
    column_type = dy.String(description="Type in DuckDB")
    is_nullable = dy.Bool(description="Whether the column can be null")
    description = dy.String(description="What the column says")


RELEASED_TABLES: dict[str, type[PublishedTable]] = {
    "occupation_shares": OccupationShares,
    "soc_group_shares": SocGroupShares,
    "task_shares": TaskShares,
    "collaboration_shares": CollaborationShares,
    "task_depth": TaskDepth,
    "clusters": ReleasedClusters,
    "coverage": Coverage,
    "disclosure": Disclosure,
    "releases": Releases,
    "reference_task_occupations": ReferenceTaskOccupations,
    "reference_shares": ReferenceShares,
    "data_dictionary": DataDictionary,
}
"""The tables of the released database, by name."""


def released_columns(table: type[PublishedTable]) -> list[str]:
    """Columns in the order an analyst reads them: keys and titles first, then the figures."""
    figures = [
        name for name in _CorrectedShare.column_names() if name not in ("quarter", "onet_release")
    ]
    names = table.column_names()
    keys = [name for name in names if name not in figures] if issubclass(table, _Share) else names
    return keys + [name for name in names if name not in keys]
