"""What is found, type by type, and what is not: text, then the entities as written in it."""

import pytest

from flows.redact.detect import Span, merge_overlaps, replace_entities

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow+IBAAK/CAQEA\nabc=\n-----END RSA PRIVATE KEY-----"
AWS = "AKIA" + "IOSFODNN7EXAMPLE"
GITHUB = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
GOOGLE = "AIza" + "SyA1234567890abcdefghijklmnopqrstuv"

FOUND = [
    ("write to john.doe@mail.co.uk.", [("EMAIL_ADDRESS", "john.doe@mail.co.uk")]),
    ("<o'brien+x@b-c.io>", [("EMAIL_ADDRESS", "o'brien+x@b-c.io")]),
    ("'ann@example.com'", [("EMAIL_ADDRESS", "ann@example.com")]),
    ("почта@пример.рф и", [("EMAIL_ADDRESS", "почта@пример.рф")]),
    ("josé@münchen.de", [("EMAIL_ADDRESS", "josé@münchen.de")]),
    ("邮箱是foo@bar.com谢谢", [("EMAIL_ADDRESS", "foo@bar.com")]),
    ("用户@例子.广告", [("EMAIL_ADDRESS", "用户@例子.广告")]),
    ("mailto:a@xn--e1afmkfd.xn--p1ai", [("EMAIL_ADDRESS", "a@xn--e1afmkfd.xn--p1ai")]),
    ("see https://a.b/c?d=e#f, please", [("URL", "https://a.b/c?d=e#f")]),
    ("(http://a.com/x_(y))", [("URL", "http://a.com/x_(y)")]),
    ("[here](https://a.dev/p).", [("URL", "https://a.dev/p")]),
    ("Linkhttp://10.44.7.9:8080/a", [("URL", "http://10.44.7.9:8080/a")]),
    ("at www.some-shop.de/me!", [("URL", "www.some-shop.de/me")]),
    ("ftp://files.corp/x", [("URL", "ftp://files.corp/x")]),
    ("http://пример.рф/путь", [("URL", "http://пример.рф/путь")]),
    ("看http://foo.cn，谢谢", [("URL", "http://foo.cn")]),
    ("ping 10.20.30.40 now", [("IP_ADDRESS", "10.20.30.40")]),
    ("from 94.23.4.17.", [("IP_ADDRESS", "94.23.4.17")]),
    ("host 2001:db8::ff00:42:8329 up", [("IP_ADDRESS", "2001:db8::ff00:42:8329")]),
    ("fe80::1ff:fe23:4567:890a: down", [("IP_ADDRESS", "fe80::1ff:fe23:4567:890a")]),
    ("call +1 212-555-0123 today", [("PHONE_NUMBER", "+1 212-555-0123")]),
    ("call (212) 555-0123 x12", [("PHONE_NUMBER", "(212) 555-0123 x12")]),
    ("ring 0161 496 0123", [("PHONE_NUMBER", "0161 496 0123")]),
    ("mobile +44 7700 900123 as", [("PHONE_NUMBER", "+44 7700 900123")]),
    ("+81 90-1234-5678", [("PHONE_NUMBER", "+81 90-1234-5678")]),
    ("card 4111 1111 1111 1111 ok", [("CREDIT_CARD", "4111 1111 1111 1111")]),
    ("4111111111111111", [("CREDIT_CARD", "4111111111111111")]),
    ("to DE89 3704 0044 0532 0130 00 from", [("IBAN_CODE", "DE89 3704 0044 0532 0130 00")]),
    ("be68 5390 0754 7034 from my", [("IBAN_CODE", "be68 5390 0754 7034")]),
    ("ssn 536-22-8741", [("US_SSN", "536-22-8741")]),
    ("his social security 536228741.", [("US_SSN", "536228741")]),
    ("btc 1BoatSLRHtKNngkdXEeobR76b53LETtpyT", [("CRYPTO", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT")]),
    ("DEA AB1234563 issued", [("MEDICAL_LICENSE", "AB1234563")]),
    (f"key {AWS}, secret", [("SECRET", AWS)]),
    ("sk-ant-api03-Ab9_cdefghij-klmn", [("SECRET", "sk-ant-api03-Ab9_cdefghij-klmn")]),
    (f"export T={GITHUB}", [("SECRET", GITHUB)]),
    ("xoxb-1234567890-abcDEF", [("SECRET", "xoxb-1234567890-abcDEF")]),
    (f"?key={GOOGLE}&", [("SECRET", GOOGLE)]),
    (f"jwt {JWT} end", [("SECRET", JWT)]),
    (f"a\n{PEM}\nb", [("SECRET", PEM)]),
    ("postgres://me:pa55@db.lan/x", [("SECRET", "://me:pa55@db.lan/x")]),
    ("DB_PASSWORD='correct horse'", [("SECRET", "correct horse")]),
    ('{"api_key": "abcdef"}', [("SECRET", "abcdef")]),
    ("password: hunter22.", [("SECRET", "hunter22")]),
    ("the passphrase is blue-Otter-58, ok", [("SECRET", "blue-Otter-58")]),
    ("Authorization: Bearer a1b2c3d4e5f6", [("SECRET", "a1b2c3d4e5f6")]),
]
NOT_FOUND = [
    "me@localhost and @mention, 5@3, a@b",
    "http://example.com/x https://www.example.org http://localhost:3000/a http://127.0.0.1:80",
    "std::vector<a>::begin() a::b at 12:30:45 and 00:00:5e:00:53:af",
    "127.0.0.1 0.0.0.0 255.255.255.0 ::1 256.1.1.1 1.2.3.4.5",
    "version 1.2.3.4, v1.2.3.4, presidio 2.2.366, Chrome/110.0.5481.177, Firefox/1.2.3.4",
    "d41d8cd98f00b204e9800998ecf8427e e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b",
    "x 0.512   0.634\n17    3.141592  -0.0271828\n1975-2005 2.3 in 21   35   48",
    "4111 1111 1111 1112",  # Luhn
    "DE88 3704 0044 0532 0130 00",  # check digits
    "1BoatSLRHtKNngkdXEeobR76b53LETtpyU",  # checksum
    "000-12-3456 and 536-00-8741",
    "AB1234564",  # DEA checksum
    "sk-learn-is-a-long-name-of-words task-force",
    "token = next_token(2), password = input(), secret: string, tokenizer = 'x'",
    "the secret to 10-minute meals; my password is important",
    "<EMAIL_ADDRESS> <PHONE_NUMBER> <SECRET> password: <SECRET> http <URL>",
    "I ate 3 apples, paid 12,500.00 and left at 10:45 on 2024-05-17.",
    "",
]
EVASIONS = [
    ("john@ma\u200bil.com", "EMAIL_ADDRESS"),
    ("jo\u00adhn@mail.com", "EMAIL_ADDRESS"),
    ("john＠mail．com", "EMAIL_ADDRESS"),
    ("john%40mail.com", "EMAIL_ADDRESS"),
    ("john&#64;mail.com", "EMAIL_ADDRESS"),
    ("john&commat;mail.com", "EMAIL_ADDRESS"),
    ("４１１１ １１１１ １１１１ １１１１", "CREDIT_CARD"),
    ("4111\u00a01111\u202f1111\u20031111", "CREDIT_CARD"),
    ("4111\u20111111\u20131111\u22121111", "CREDIT_CARD"),
    ("٤١١١١١١١١١١١١١١١", "CREDIT_CARD"),
    ("+1\u00a0212\u2011555\u20110123", "PHONE_NUMBER"),
    ("DE89\u200b3704\u200c0044\u200d0532\u20600130\ufeff00", "IBAN_CODE"),
    ("ｈｔｔｐｓ://a.b/c", "URL"),
    ("１０.20.30.40", "IP_ADDRESS"),
]


@pytest.mark.parametrize(("text", "expected"), FOUND, ids=[text[:30] for text, _ in FOUND])
def test_an_entity_is_found_with_its_exact_span(find, text, expected):
    assert find(text) == expected


@pytest.mark.parametrize("text", NOT_FOUND)
def test_what_is_no_entity_is_left_alone(find, text):
    assert find(text) == []


@pytest.mark.parametrize(("written", "entity_type"), EVASIONS)
def test_a_disguised_entity_is_covered_as_it_was_written(find, written, entity_type):
    assert find(f"ask {written} ok") == [(entity_type, written)]


def test_every_login_of_a_long_column_is_found(find):
    logins = [f"login{number:04}x" for number in range(400)]
    rows = "\n".join(f"Petra{login[5:9]} Vander, {login}" for login in logins)
    assert find(f"Name, Login\n{rows}") == [("USERNAME", login) for login in logins]


@pytest.mark.parametrize(
    "filler",
    ["word " * 3998, "x" * 19_990 + " ", "," * 19_990, "," * 15_785, "," * 15_790, "数" * 20_000],
)
def test_an_entity_at_the_cut_of_a_long_text_is_found_once(find, filler):
    assert find(filler + "john.doe@mail.com" + " word" * 5000) == [
        ("EMAIL_ADDRESS", "john.doe@mail.com")
    ]


def test_an_entity_longer_than_a_piece_is_covered_to_its_end(find):
    url = "http://a.b/" + "c" * 70_000
    assert find(f"see {url} now") == [("URL", url)]


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([(0, 5, "A", 0.5), (5, 9, "B", 0.5)], [(0, 5, "A", 0.5), (5, 9, "B", 0.5)]),
        ([(0, 5, "A", 1.0), (2, 9, "B", 0.5)], [(0, 9, "B", 0.5)]),
        ([(0, 5, "A", 0.5), (2, 7, "B", 0.9)], [(0, 7, "B", 0.9)]),
        ([(2, 7, "B", 0.5), (0, 5, "A", 0.5)], [(0, 7, "A", 0.5)]),
        ([(0, 4, "A", 1.0), (3, 8, "B", 0.5), (7, 9, "C", 1.0)], [(0, 9, "B", 0.5)]),
    ],
)
def test_of_overlapping_spans_the_strongest_names_the_union(spans, expected):
    for order in (spans, spans[::-1]):
        assert merge_overlaps(Span(*span) for span in order) == [Span(*span) for span in expected]


def test_an_entity_is_replaced_by_the_name_of_its_type():
    spans = [Span(0, 1, "A", 1.0), Span(1, 3, "B", 1.0)]
    assert replace_entities("xyzw", spans) == "<A><B>w"
