"""Decides which addresses of the web may lead to a person: URLs, bare hosts and profile pages."""

import re
from collections.abc import Iterator

from flows.redact.normalize import MASK
from flows.redact.patterns.context import word_set
from flows.redact.patterns.emails import RESERVED_HOST, UNSPACED
from flows.redact.patterns.ips import is_nobodys

_LABEL = r"[a-z0-9][a-z0-9-]{0,62}"
_PATH = rf"(?:[/?#][^\s<>\"`{MASK}\u3000-\u303f]*+)?"
_URL = re.compile(
    rf"(?:(?:h(?:tt|xx)ps?|ftps?|sftp|wss?|ssh|git)(?:://|\[:\]//|%3a//)"
    rf"(?:[^\s/?#<>\"{MASK}]*@)?(?P<host>(?:[\w.:-]|\[(?:[.:]|[0-9a-f:.%]{{2,60}})\]|\(\.\)"
    rf"|\[dot\])+)"
    rf"|(?<![a-z0-9.@/-])www[0-9]?\.(?P<www>{_LABEL}(?:\.{_LABEL}){{1,8}})(?::[0-9]{{1,5}})?)"
    rf"{_PATH}",
    re.IGNORECASE,
)
_TRAILING = r"[.,;:!?'*_~|\]}]"
_URL_END = re.compile(rf"[,.;:!?)](?=[{UNSPACED}])|(?<!{_TRAILING}){_TRAILING}+\Z")

# Hosts that lead to nobody: reserved ones, name spaces and the code that every page loads.
_GENERIC_LABEL = (
    r"(?:a|b|c|x|y|foo|bar|baz|api|app|www|web|server|host|client|service|site|website|blog|shop|db"
    r"|mail|demo|test|tests|my|your|our|some|any|acme|corp|company|domain|example|user|users|node"
    r"|auth|login|dev|staging|prod|cdn|static|docs|internal|local|sub|subdomain|frontend|backend"
    r"|registry|proxy|gateway|broker|bad|evil|invalid|[0-9]+)"
)
_NOBODY_HOST = re.compile(
    rf"{RESERVED_HOST}|localhost|(?:[\w-]{{1,63}}\.){{0,4}}(?:localhost|invalid)"
    rf"|host\.docker\.internal"
    rf"|(?:{_GENERIC_LABEL}(?:-?{_GENERIC_LABEL}){{0,3}}\.){{1,4}}(?:example|test|local|internal)"
    r"|(?:www\.)?w3\.org|schemas\.[\w.-]{1,60}|json-schema\.org|fonts\.(?:googleapis|gstatic)\.com"
    r"|ajax\.googleapis\.com|cdn\.jsdelivr\.net|cdnjs\.cloudflare\.com|unpkg\.com|code\.jquery\.com"
    r"|(?:maxcdn|stackpath)\.bootstrapcdn\.com|(?:www\.)?apache\.org|opensource\.org"
    r"|registry\.npmjs\.org|pypi\.org|files\.pythonhosted\.org",
    re.IGNORECASE,
)

# Tops of bare hosts, such as jane-doe.com. What also ends a file, a member or a sentence
# (main.py, user.name, done.in) counts only with a path, or not at all.
_SURE = (
    r"com|org|edu|info|biz|eu|example|(?:co|org|ac|gov|me)\.uk|(?:com|net|org|edu|gov)\.[a-z]{2}"
    r"|(?:co|or|ne|ac|go)\.(?:jp|kr|in|nz|za|th|id|il|ke)"
)
_WITH_LONG_NAME = (
    r"net|io|dev|app|ai|tech|online|blog|page|site|store|studio|design|photography|de|fr|nl|ch"
    r"|se|dk"
    r"|fi|cz|uk|ca|au|jp|cn|br|mx|ru|xyz|club|art"
)
_WITH_PATH = (
    r"me|it|es|pl|at|be|no|pt|ie|gg|ly|to|tv|co|us|in|is|gl|link|bio|social|gd|fm|sh|vc|ee|hu|ro|kr"
)
_BARE = re.compile(
    rf"\.(?:(?P<sure>{_SURE})|(?P<long>{_WITH_LONG_NAME})|(?P<path>{_WITH_PATH}))"
    rf"(?![\w@-]|\.[a-z0-9])(?::[0-9]{{2,5}})?(?P<rest>[/?][^\s<>\"`{MASK}\u3000-\u303f]*+)?",
    re.IGNORECASE,
)
_LABELS = re.compile(
    r"(?<![\w.@$\\/-])(?:[a-z0-9][a-z0-9-]{0,62}\.){0,4}[a-z0-9-]{1,63}\Z", re.IGNORECASE
)
_LOOK_BACK = 100
# Named by everybody; without a path they lead to nobody.
_PUBLIC = word_set(
    """google youtube facebook instagram twitter linkedin github gitlab bitbucket amazon ebay reddit
    wikipedia apple microsoft netflix spotify openai chatgpt anthropic claude stackoverflow medium
    paypal whatsapp telegram tiktok pinterest quora yelp booking airbnb expedia tripadvisor uber
    indeed glassdoor upwork fiverr etsy shopify wordpress wix squarespace godaddy dropbox zoom slack
    discord notion canva figma adobe gmail outlook yahoo bing duckduckgo baidu alibaba weather
    healthline webmd investopedia coursera udemy khanacademy w3schools geeksforgeeks leetcode kaggle
    huggingface heroku vercel netlify cloudflare docker npmjs nodejs python pytorch tensorflow
    archive arxiv imdb craigslist zillow walmart target costco bestbuy ikea bbc cnn nytimes
    socket asp vb ado ml system java javax dot crates this self obj config main index file data test
    event log window document app api user draw next nuxt three d3 chart express vue react mydomain
    yourdomain domain mysite yoursite website site company mycompany yourcompany host hostname abc
    foo bar mail hotmail icloud msn gov nih irs"""
)


def find_urls(text: str) -> Iterator[tuple[int, int]]:
    """Spans of URLs with a scheme or `www.`, and of bare hosts, except such that lead to nobody."""
    if "//" in text or "www" in text.lower():
        for match in _URL.finditer(text):
            if not _leads_to_nobody(match["host"] or match["www"], match[0]):
                yield match.start(), _url_end(text, *match.span())
    if "." in text:
        yield from _find_bare(text)


def _leads_to_nobody(written: str, url: str) -> bool:
    host = re.sub(r"\[\.\]|\(\.\)|\[dot\]", ".", written)
    host = re.sub(r":[0-9]{0,5}\Z", "", host).rstrip(".:")
    if re.search(r"//[^/?#]*@|/[~@]\w|[?&](?:e?mail|user|name|token|key|sig|auth)\w*=", url):
        return False
    return bool(_NOBODY_HOST.fullmatch(host)) or is_nobodys(host.strip("[]"))


def _find_bare(text: str) -> Iterator[tuple[int, int]]:
    for match in _BARE.finditer(text):
        begin = max(0, match.start() - _LOOK_BACK)
        labels = _LABELS.search(text[begin : match.start()])
        if labels and _is_bare_url(labels[0], match, text):
            yield begin + labels.start(), _url_end(text, begin + labels.start(), match.end())


def _is_bare_url(labels: str, match: re.Match[str], text: str) -> bool:
    path = (match["rest"] or "").rstrip(".,;:!?)'")
    host = labels + match[0][: len(match[0]) - len(match["rest"] or "")]
    name = labels.rsplit(".", 1)[-1].lower()
    if text[match.end() : match.end() + 1] in ("(", "=", "[") or _leads_to_nobody(host, path):
        return False
    if not host.islower() and not host.isupper() and not (match["sure"] or "").islower():
        return False  # Company.Net, obj.Name
    if len(path) > 1:
        return True
    if name in _PUBLIC or match["path"] or not re.search(r"[a-z]", name):
        return False
    return (bool(match["sure"]) and len(name) > 2) or len(name) > 5 or "-" in name


def _url_end(text: str, start: int, end: int) -> int:
    trimmed = _URL_END.search(text, start, end)
    end = trimmed.start() if trimmed else end
    unopened = text.count(")", start, end) - text.count("(", start, end)
    closing = len(text[start:end]) - len(text[start:end].rstrip(")"))
    return end - max(0, min(unopened, closing))
