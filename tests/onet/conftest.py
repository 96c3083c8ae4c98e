from collections.abc import Callable
from pathlib import Path

import pytest

INVENTED = {
    "Read Me.txt": "O*NET 99.1 Database\nInvented for a test\n",
    "Occupation Data.txt": (
        "O*NET-SOC Code\tTitle\tDescription\n"
        "15-9991.00\tLamp Auditors\tAudit lamps.\n"
        "15-9992.00\tFog Surveyors\tSurvey fog.\n"
        "55-9993.00\tIdle Officers\tHave no tasks.\n"
    ),
    "Task Statements.txt": (
        "O*NET-SOC Code\tTask ID\tTask\tTask Type\tDate\n"
        '15-9992.00\t103\tMeasure "fog, thick.\tn/a\t01/2026\n'
        "15-9992.00\t102\t count LAMPS. \tSupplemental\t01/2026\n"
        "15-9991.00\t101\tCount lamps.\tCore\t01/2026\n"
    ),
    "Tasks to DWAs.txt": (
        "O*NET-SOC Code\tTask ID\tDWA ID\n15-9991.00\t101\t4.A.1\n15-9991.00\t101\t4.A.2\n"
    ),
    "DWA Reference.txt": "Element ID\tIWA ID\tDWA ID\tDWA Title\n4\t4.A\t4.A.1\tCount things.\n",
    "Task Ratings.txt": (
        "O*NET-SOC Code\tTask ID\tScale ID\tCategory\tData Value\tN\n"
        "15-9991.00\t101\tFT\t1\t25.00\t10\n"
        "15-9991.00\t101\tFT\t5\t75.00\t10\n"
        "15-9991.00\t101\tIM\tn/a\t4.25\t10\n"
        "15-9991.00\t101\tRT\tn/a\t88.50\t10\n"
        "15-9992.00\t102\tIM\tn/a\tn/a\t10\n"
    ),
}


@pytest.fixture
def invented() -> dict[str, str]:
    """A small release by file name; nothing in it is O*NET's."""
    return dict(INVENTED)


@pytest.fixture
def write_release(tmp_path: Path) -> Callable[..., Path]:
    def write(files: dict[str, str | bytes], name: str = "release") -> Path:
        directory = tmp_path / name
        directory.mkdir()
        for file, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            (directory / file).write_bytes(data)
        return directory

    return write
