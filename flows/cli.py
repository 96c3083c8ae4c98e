"""The commands; each says in one place what it takes, and hands on to the module that does it."""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from typer.exceptions import TyperException

from flows.confine import ContractError, PrivacyGateError, RejectLimitError, StageError, speak
from flows.settings import Settings, SettingsError, load_settings
from flows.store import private_files

EXIT_CODES: dict[type[Exception], int] = {
    SettingsError: 2,
    RejectLimitError: 3,
    ContractError: 4,
    StageError: 4,
    PrivacyGateError: 5,
}

app = typer.Typer(
    name="worktally",
    help="A census of the work people do with AI assistants, with nobody's data in it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)
onet_app = typer.Typer(help="O*NET releases: fetch one, or tell what is there.")
app.add_typer(onet_app, name="onet")

Sources = Annotated[list[Path], typer.Argument(help="Files or directories with conversations.")]
Quarter = Annotated[str, typer.Option(help="Calendar quarter (UTC), such as 2026Q1.")]
Format = Annotated[
    str | None, typer.Option("--format", help="generic, sharegpt or wildchat; else found out.")
]
Database = Annotated[Path, typer.Option(help="The released DuckDB database.")]
Onet = Annotated[str, typer.Option(help="Directory of an O*NET release, or 'starter'.")]
SettingsFile = Annotated[
    Path | None, typer.Option("--settings", help="TOML file laid over the defaults.")
]
Work = Annotated[Path, typer.Option(help="Work directory; private, purged after success.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
OutFile = Annotated[Path, typer.Option("--out", help="File to write, JSON Lines.")]
AccountUnit = Annotated[
    str | None,
    typer.Option(help="'unknown': sources carry no account ids; raises the conversation floor."),
]
AssumeQuarter = Annotated[
    bool,
    typer.Option("--assume-quarter", help="Take rows without a time as of the quarter; is told."),
]

DEFAULT_DATABASE = Path("data/published/worktally.duckdb")
DEFAULT_WORK = Path("data/work")
OWN_DATA = "Unit-level results with your own ids, to check quality on your own data; no release."


@app.command(epilog="Example: worktally demo --conversations 1000")
def demo(
    conversations: Annotated[int, typer.Option(help="Conversations per quarter.")] = 3_000,
    out: Annotated[Path, typer.Option(help="Directory for all of it.")] = Path("data/demo"),
    as_json: Json = False,
) -> None:
    """Sample two quarters, run the line over each, and report: the first look at Worktally."""
    from flows.demo import run_demo

    summaries = run_demo(conversations=conversations, out=out)
    if as_json:
        _print_json(summaries)
        return
    for summary in summaries:
        _print_summary(summary)


@app.command(epilog="Example: worktally sample --conversations 1000 --quarters 2026Q1 --out s")
def sample(
    out: Annotated[Path, typer.Option(help="Empty directory to write to.")],
    conversations: Annotated[int, typer.Option(help="Conversations per quarter.")] = 2_000,
    quarters: Annotated[str, typer.Option(help="Separated by commas.")] = "2026Q1,2026Q2",
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.")] = 1,
    canary_share: Annotated[
        float, typer.Option(help="Conversations with a canary, which `audit` can look for.")
    ] = 0.0,
) -> None:
    """Write invented conversations with known truth and planted personal data."""
    from flows.sample import write_sample

    names = [name.strip() for name in quarters.split(",") if name.strip()]
    write_sample(
        conversation_count=conversations,
        quarters=names,
        seed=seed,
        out=out,
        canary_share=canary_share,
    )
    _say(f"sample: {conversations:,} conversations for each of {', '.join(names)} in {out}")


@app.command(epilog="Example: worktally run logs/ --quarter 2026Q1 --onet data/onet/30.1")
def run(
    source: Sources,
    quarter: Quarter,
    log_format: Format = None,
    database: Database = DEFAULT_DATABASE,
    onet: Onet = "starter",
    settings: SettingsFile = None,
    work: Work = DEFAULT_WORK,
    out: Annotated[
        Path | None, typer.Option(help="Directory of the report; beside the database by default.")
    ] = None,
    account_unit: AccountUnit = None,
    assume_quarter: AssumeQuarter = False,
    as_json: Json = False,
) -> None:
    """Count one quarter of conversations, and publish database and report."""
    from flows.launch import run_quarter
    from flows.request import RunRequest

    request = RunRequest(
        sources=tuple(source),
        quarter=quarter,
        format_name=log_format,
        onet=onet,
        settings=_settings(settings, account_unit, assume_quarter),
        work=work,
        database=database,
        report_directory=out or database.parent,
    )
    summary = run_quarter(request)
    if as_json:
        _print_json(summary)
    else:
        _print_summary(summary)


@app.command(epilog="Example: worktally report --quarter 2026Q1")
def report(
    quarter: Quarter,
    database: Database = DEFAULT_DATABASE,
    out: Annotated[Path | None, typer.Option(help="Directory to write to.")] = None,
) -> None:
    """Write the quarter's report and the privacy reviewer's page, from the database alone."""
    from reports.quarterly import ReportError, render_report

    try:
        rendered = render_report(database, quarter=quarter, out=out or database.parent)
    except ReportError as error:
        raise SettingsError(str(error)) from None
    _say(f"report: {rendered.html}\n        {rendered.markdown}\n        {rendered.privacy}")


@app.command(epilog='Example: worktally sql "SELECT * FROM top_occupations LIMIT 10"')
def sql(
    query: Annotated[str, typer.Argument(help="One SQL query.")],
    database: Database = DEFAULT_DATABASE,
    output: Annotated[str, typer.Option(help="table, csv or json.")] = "table",
) -> None:
    """Query the released database, read-only."""
    from reports.query import OUTPUTS, QueryError, query_database

    if output not in OUTPUTS:
        raise SettingsError(f"sql: --output must be one of {', '.join(OUTPUTS)}")
    try:
        typer.echo(query_database(query, database=database, output=output))
    except QueryError as error:
        raise SettingsError(f"sql: {error}") from None


@app.command(epilog="Example: worktally redact logs.jsonl --out redacted.jsonl", help=OWN_DATA)
def redact(
    source: Annotated[list[Path], typer.Argument(help="Files or directories.")],
    out: OutFile,
    log_format: Format = None,
    settings: SettingsFile = None,
    work: Work = DEFAULT_WORK,
) -> None:
    """Write redacted messages and the spans that were found."""
    from flows.own_data import Source, redact_rows

    _write_rows(redact_rows(Source(source, log_format, _settings(settings), work)), out)


@app.command(epilog="Example: worktally label logs.jsonl --out labels.jsonl", help=OWN_DATA)
def label(
    source: Sources,
    out: OutFile,
    onet: Onet = "starter",
    log_format: Format = None,
    settings: SettingsFile = None,
    work: Work = DEFAULT_WORK,
) -> None:
    """Write what each conversation was judged to be."""
    from flows.own_data import Source, label_rows

    _write_rows(label_rows(Source(source, log_format, _settings(settings), work), onet), out)


@app.command(epilog="Example: worktally cluster logs.jsonl --out clusters.jsonl", help=OWN_DATA)
def cluster(
    source: Sources,
    out: OutFile,
    log_format: Format = None,
    settings: SettingsFile = None,
    work: Work = DEFAULT_WORK,
) -> None:
    """Write the cluster of each conversation, null for noise."""
    from flows.own_data import Source, cluster_rows

    _write_rows(cluster_rows(Source(source, log_format, _settings(settings), work)), out)


@app.command(
    epilog="Example: worktally evaluate logs.jsonl --labels labels.jsonl --out quality;"
    " worktally evaluate labeled.jsonl --redaction"
)
def evaluate(
    source: Sources,
    labels: Annotated[Path | None, typer.Option(help="Labeled sample, JSONL or CSV.")] = None,
    redaction: Annotated[
        bool, typer.Option("--redaction", help="The sources are texts with labeled personal data.")
    ] = False,
    misses: Annotated[
        Path | None, typer.Option(help="With --redaction: private file of where it missed.")
    ] = None,
    onet: Onet = "starter",
    log_format: Format = None,
    settings: SettingsFile = None,
    work: Work = DEFAULT_WORK,
    out: Annotated[Path | None, typer.Option(help="Directory for the JSON and the page.")] = None,
    as_json: Json = False,
) -> None:
    """Measure the judgements against labels: errors, calibration, and what they do to shares.

    With --redaction, measure redaction instead, on JSON lines or arrays of
    {"text", "spans": [{"start", "end", "entity_type"}]},
    {"messages", "pii": [{"text", "type"}]} or presidio-research's form.
    """
    if redaction:
        if labels is not None or log_format is not None:
            raise SettingsError("evaluate: with --redaction the sources hold the labels")
        _evaluate_redaction(source, _settings(settings), out, misses, as_json)
        return
    if labels is None or misses is not None:
        raise SettingsError("evaluate: give --labels, or --redaction, to which --misses belongs")

    from flows.evaluation.evaluate import evaluate_labels, render_table
    from flows.evaluation.page import write_evaluation
    from flows.judges import judges
    from flows.label_file import read_labels
    from flows.own_data import Source, judge_rows, task_dwas

    truth = read_labels(labels)
    options = _settings(settings)
    evaluation = evaluate_labels(
        judge_rows(Source(source, log_format, options, work), onet),
        truth,
        task_dwas=task_dwas(onet),
        seed=1,
        judges=judges(onet, options),
    )
    if out is not None:
        written = write_evaluation(evaluation, out)
        _say(f"evaluate: {written.html}\n          {written.json}")
    if as_json:
        _print_json(evaluation.to_dict())
    else:
        Console().print(render_table(evaluation))


@app.command(epilog="Example: worktally index economic_index/2025-02-10 --json")
def index(
    directory: Annotated[Path, typer.Argument(help="A data release of the Economic Index.")],
    as_json: Json = False,
) -> None:
    """Send the Economic Index's own tables through our arithmetic."""
    from flows.economic_index import compute_index, read_index

    figures = compute_index(read_index(directory))
    if as_json:
        _print_json(figures)
    else:
        _print_index(figures)


@app.command(epilog="Example: worktally audit --json")
def audit(
    database: Database = DEFAULT_DATABASE,
    work: Work = DEFAULT_WORK,
    canaries: Annotated[
        Path | None,
        typer.Option(help="Strings to look for in every byte, one a line, or a sample's truth."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a finished database and work directory; exit code 5 when a check fails."""
    from flows.audit import audit as run_audit
    from flows.traces import read_canaries

    result = run_audit(database, work, read_canaries(canaries) if canaries else ())
    if as_json:
        _print_json(result)
    else:
        table = Table("check", "found", "at most", "passed")
        for check in result["checks"]:
            verdict = "yes" if check["passed"] else "NO"
            table.add_row(check["name"], str(check["figure"]), str(check["limit"]), verdict)
        Console().print(table)
    if not result["passed"]:
        raise PrivacyGateError("audit: a check failed")


@onet_app.command("fetch", epilog="Example: worktally onet fetch --version 30.1")
def onet_fetch(
    version: Annotated[str, typer.Option(help="Such as 30.1.")],
    destination: Annotated[Path, typer.Option(help="Directory of releases.")] = Path("data/onet"),
    url: Annotated[str | None, typer.Option(help="Address, if not the official one.")] = None,
    sha256: Annotated[str | None, typer.Option(help="Of the zip file, if you know it.")] = None,
) -> None:
    """Download an official release, verify it, and unpack it under its version."""
    from onet.fetch import FetchError, fetch_release

    try:
        fetched = fetch_release(version, destination, url=url, sha256=sha256)
    except FetchError as error:
        raise SettingsError(f"onet: {error}") from None
    _say(f"onet: {fetched.path}, {fetched.file_count} files, sha256 {fetched.sha256}")


@onet_app.command("info", epilog="Example: worktally onet info data/onet/30.1")
def onet_info(
    release: Annotated[str, typer.Argument(help="Directory, or 'starter'.")] = "starter",
) -> None:
    """Tell what a release holds."""
    from flows.loaded import load_onet
    from onet.weights import statements

    loaded = load_onet(release)
    _say(
        f"{loaded.name}: {loaded.notice}\n{loaded.occupations.height:,} occupations,"
        f" {loaded.tasks.height:,} task rows, {statements(loaded).height:,} distinct statements,"
        f" {loaded.task_dwas.height:,} links to DWAs, content {loaded.content_hash[:16]}"
    )


@app.command(epilog='Example: worktally serve logs/ --cron "0 6 2 1,4,7,10 *"')
def serve(
    source: Sources,
    cron: Annotated[str, typer.Option(help="When, in UTC.")] = "0 6 2 1,4,7,10 *",
    database: Database = DEFAULT_DATABASE,
    onet: Onet = "starter",
    log_format: Format = None,
    settings: SettingsFile = None,
    work: Work = DEFAULT_WORK,
    account_unit: AccountUnit = None,
) -> None:
    """Run each quarter on a schedule: the quarter that ended before the scheduled time."""
    from flows.launch import serve_quarters
    from flows.request import RunRequest

    request = RunRequest(
        sources=tuple(path.resolve() for path in source),
        quarter="",
        format_name=log_format,
        onet=onet if onet == "starter" else str(Path(onet).resolve()),
        settings=_settings(settings, account_unit),
        work=work.resolve(),
        database=database.resolve(),
        report_directory=database.resolve().parent,
    )
    serve_quarters(request, cron=cron)


@app.command(epilog="Example: worktally doctor")
def doctor(
    settings: SettingsFile = None, work: Work = DEFAULT_WORK, onet: Onet = "starter"
) -> None:
    """Find out whether this machine can run the line."""
    from flows.doctor import examine

    findings = examine(_settings(settings), work=work, onet=onet)
    table = Table("looked at", "well", "found")
    for finding in findings:
        table.add_row(finding.name, "yes" if finding.is_well else "NO", finding.detail)
    Console().print(table)
    if not all(finding.is_well for finding in findings):
        raise SettingsError("doctor: something is not well")


def main() -> None:
    """Runs a command; exit codes tell the kinds of failure apart, and no message quotes data."""
    sys.exit(_run_command())


def _run_command() -> int:
    # returns rather than exits: an error that is still alive at exit keeps connections open
    try:
        with private_files():
            code = app(standalone_mode=False)
    except typer.Abort:
        return 130
    except TyperException as error:
        _say(f"worktally: {error.format_message()}; see --help")
        return 2
    except Exception as error:
        _say(f"worktally: {speak(error)}")
        return EXIT_CODES.get(type(error), 4)
    return code if isinstance(code, int) else 0


def _settings(
    path: Path | None, account_unit: str | None = None, assume_quarter: bool = False
) -> Settings:
    ingest: dict[str, Any] = {}
    if account_unit is not None:
        ingest["account_unit"] = account_unit
    if assume_quarter:
        ingest["assume_quarter"] = True
    return load_settings(path, ingest=ingest)


def _write_rows(rows: Iterable[Mapping[str, Any]], out: Path) -> None:
    count = 0
    temporary = out.with_name(f".{out.name}.writing")
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        with temporary.open("w", encoding="utf-8") as file:
            temporary.chmod(0o600)  # one's own data: nobody else's business
            for row in rows:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
                count += 1
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)
    _say(f"{count:,} conversations in {out}; unit-level results, not for release")


def _evaluate_redaction(
    source: list[Path], settings: Settings, out: Path | None, misses: Path | None, as_json: bool
) -> None:
    from flows.evaluation.redaction_page import render_table, write_misses, write_redaction
    from flows.redaction_check import check_redaction

    evaluation, missed = check_redaction(source, settings)
    if out is not None:
        written = write_redaction(evaluation, out)
        _say(f"evaluate: {written.html}\n          {written.json}")
    if misses is not None:
        write_misses(missed, misses)
        _say(f"evaluate: {len(missed):,} places in {misses}; where in your texts, not for release")
    if as_json:
        _print_json(evaluation.to_dict())
    else:
        Console().print(render_table(evaluation))


def _print_summary(summary: dict[str, Any]) -> None:
    rejected = sum(summary["rejected"].values())
    rules = ", ".join(f"{rule} {count:,}" for rule, count in summary["rejected"].items())
    _say(
        f"{summary['quarter']}: {summary['rows_in']:,} rows in, {summary['accepted']:,} accepted,"
        f" {rejected:,} rejected{f' ({rules})' if rules else ''}\n"
        f"  {summary['released_cells']:,} cells released, {summary['withheld_cells']:,} withheld;"
        f" {summary['unclustered']:,} unclustered, {summary['not_classified']:,} not classified\n"
        f"  database {summary['database']}\n  report   {summary['report']}"
    )


def _print_index(figures: dict[str, Any]) -> None:
    table = Table("figure", "which", "value", title="Economic Index, through our arithmetic")
    for name, value in figures.items():
        if not isinstance(value, dict):
            table.add_row(name, "", f"{value:.6g}")
            continue
        for key, inner in value.items():
            if isinstance(inner, dict):
                for part, share in inner.items():
                    table.add_row(name, f"{key} {part}", f"{share:.6f}")
            else:
                shown = f"{inner:,}" if isinstance(inner, int) else f"{inner:.6f}"
                table.add_row(name, str(key), shown)
    Console().print(table)


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=1, ensure_ascii=False))


def _say(text: str) -> None:
    typer.echo(text, err=True)
