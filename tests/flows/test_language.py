"""Which language a conversation is in."""

import pytest

from flows.language import detect_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("why does my latte foam come out like bubble bath", "en"),
        ("rota fri-sun, 2 chefs 1 kp 4 servers, no sundays, max 9h shift", "en"),
        ("likert 5 or 7 points", "en"),
        ("```\nimport os\nprint(os.getcwd())\n```", "und"),
        ("please fix this for me\n```\nfür alle in liste: drucke zeile\n```", "en"),
        ("translate this letter to english: Hiermit kündige ich das Mietverhältnis", "en"),
        ("Wie beschneide ich einen alten Apfelbaum, ohne ihn zu schwächen?", "de"),
        ("¿Cómo calculo el margen de mi tienda si vendo con descuento?", "es"),
        ("что делать, если батареи в подъезде холодные уже неделю, куда писать", "ru"),
        ("为啥我的蛋糕中间会塌下去", "zh"),
        ("हमारी दुकान के लिए एक छोटा विज्ञापन लिखो", "hi"),
        ("Привет", "und"),
        ("12 345 ?? --", "und"),
        ("", "und"),
    ],
)
def test_the_language_of_a_text(text: str, language: str) -> None:
    assert detect_language(text) == language
