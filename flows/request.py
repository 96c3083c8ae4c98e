"""What one run is asked to do, as a file: the only thing that travels to a scheduler."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from flows.settings import Settings


@dataclass(frozen=True)
class RunRequest:
    """One quarter to count.

    Attributes:
        sources: Files or directories with conversations.
        quarter: Such as 2026Q1.
        format_name: Of the logs; None to find out.
        onet: Directory of an O*NET release, or `starter`.
        settings: All settings.
        work: The work directory.
        database: The released database.
        report_directory: Where the report goes.
    """

    sources: tuple[Path, ...]
    quarter: str
    format_name: str | None
    onet: str
    settings: Settings
    work: Path
    database: Path
    report_directory: Path

    def to_json(self) -> str:
        """The request as JSON; holds paths and settings, no key and no text."""
        values = {**asdict(self), "settings": self.settings.model_dump(mode="json")}
        return json.dumps(values, default=str, indent=1)

    @classmethod
    def from_json(cls, text: str) -> "RunRequest":
        """Reads what `to_json` wrote."""
        values = json.loads(text)
        return cls(
            sources=tuple(Path(source) for source in values["sources"]),
            quarter=values["quarter"],
            format_name=values["format_name"],
            onet=values["onet"],
            settings=Settings.model_validate(values["settings"]),
            work=Path(values["work"]),
            database=Path(values["database"]),
            report_directory=Path(values["report_directory"]),
        )
