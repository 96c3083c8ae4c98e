"""Decides which names are somebody's account: @handles, told user names, home folders."""

import re
from collections.abc import Iterator

from flows.redact.normalize import MASK
from flows.redact.patterns.context import (
    find_words,
    is_ordinary,
    mentions,
    said_before,
    split_words,
    word_set,
)

_HANDLE = re.compile(
    r"@(?<![\w.@/`#$&\\-]@)(?<!"
    + MASK
    + r"@)(?P<name>[A-Za-z_][\w.]{1,38}[\w])(?![\w@(/{\[=]|\s?[=+]|::|-[a-z])"
)
# Decorators, annotations, rules of style sheets, tags of comments, and calls to everybody.
_NO_HANDLES = word_set(
    """
    media import keyframes font charset page layer tailwind apply include mixin extend use forward
    if else elseif each return function namespace container property supports counter viewport
    screen variants responsive param params returns throws throw see since author version
    deprecated type typedef link example default private public protected override inheritdoc
    todo brief file internal readonly constructor class interface enum module callback event
    fires listens memberof name template var const static summary description remarks note
    warning code staticmethod classmethod dataclass dataclasses pytest app abstractmethod
    functools cache cached cached_property wraps contextmanager asynccontextmanager overload
    final login_required router api bp blueprint task shared_task celery click hydra tf torch
    jit njit numba cuda triton st streamlit bot client validator field_validator model_validator
    root_validator computed_field hybrid_property receiver admin register setter getter unittest
    mock patch given when then settings fixture parametrize mark skip test tests before after
    implementation end selector protocol synthesize autoreleasepool try catch finally available
    objc escaping main published state binding observedobject environmentobject environment
    stateobject viewbuilder discardableresult ibaction iboutlet nonobjc autowired component
    service repository controller restcontroller bean configuration entity table id column data
    builder requestmapping getmapping postmapping putmapping deletemapping requestbody
    requestparam pathvariable value transactional nullable notnull nonnull inject injectable
    input output viewchild hostlistener ngmodule pipe suppresswarnings functionalinterface
    safevarargs foreach endif endforeach section yield extends csrf method slot php empty isset
    auth guest model html viewdata using inherits change submit keyup keydown update everyone
    here channel team all home work noon night midnight least most mention user username handle
    gmail yahoo hotmail outlook begin declare set select from where rowcount identity latest
    next beta alpha rc babel types angular vue react emotion mui reduxjs testing tanstack nestjs
    prisma radix hookform storybook typescript eslint rollup vitejs sveltejs nuxt expo aws
    google microsoft azure octokit sentry supabase clerk trpc apollo graphql rails attr ivar
    self params_ request response session startuml enduml startmindmap endmindmap"""
)
_CODE_LINE = re.compile(
    r"\b(?:SELECT|INSERT|UPDATE|DELETE|DECLARE|EXEC|WHERE|VALUES|BEGIN|RETURNS)\b|[;{]\s{0,200}$|=>"
    r"|^\s{0,200}(?:def|class|public|private|protected|async|export|fun|func)\s|</|\bnpm\b"
    r"|\byarn\b|\bpnpm\b|/>|^\s{0,200}\*\s"
)
_CODE_NEXT = re.compile(
    r"(?=[^\S\n]{0,200}\n)\s{0,400}+(?:@|def\b|class\b|async\b|public\b|private\b"
    r"|protected\b|fun\b|func\b|export\b|static\b|final\b|void\b|const\b|let\b|var\b|abstract\b"
    r"|\w{1,60}\s{1,20}\w{1,60}\s{0,20}\()"
)
_SERVICE = (
    r"discord|insta(?:gram)?|ig|twitter|x handle|snap(?:chat)?|tik ?tok|telegram|tg|skype"
    r"|reddit|github|gitlab|steam|psn|xbox|gamertag|gamer tag"
    r"|twitch|youtube|venmo|cash ?app|riot|battletag|wechat|weixin|kik|mastodon|bluesky"
    r"|threads|pinterest|leetcode|codeforces|kaggle|linkedin"
)
_TOLD = re.compile(
    rf"(?<![\w-])(?:(?P<key>user ?_?name|user ?_?id|login(?: name)?|log-in|handle|screen ?name"
    rf"|nick(?:name)?|account ?name|user(?:_?login)?|sam ?account ?name|usr|uid"
    rf"|utilisateur|identifiant|pseudo|benutzer(?:name|kennung)?|usuario|usuário|utente"
    rf"|nome utente|gebruikers?(?:naam)?|u[żz]ytkownik\w?|логин|ник)"
    rf"|(?P<service>{_SERVICE})(?: (?:handle|account|id|name|username|user|tag))?)"
    rf"(?P<link>[\"'*]{{0,3}}\s{{0,2}}(?:[:=：]|is\b|est\b|ist\b|es\b|è\b|é\b"
    rf"|jest\b)[\"'*]{{0,3}}\s{{0,2}}[\"'`*]{{0,2}})"
    rf"@?(?P<name>[A-Za-z0-9_][\w.\-]{{1,37}}\w(?:#[0-9]{{4}})?)(?![\w(\[@-]|\.\w|://)",
    re.IGNORECASE,
)
_LOCAL_TOLD = re.compile(
    r"(?:用户名|用戶名|ユーザー名|ユーザID|사용자명|아이디|账号|微信号?|उपयोगकर्ता नाम)(?:是|为|は|:"
    r"|：)?\s?@?(?P<name>[A-Za-z][\w.-]{2,38})",
    re.IGNORECASE,
)
_LISTED = re.compile(
    r"(?:^|[,;|(]|\n)[ \t]*(?:user|usr|login|logon)[ \t]+(?!experience|interface|stor|manual|guide"
    r"|agent|group|role|profile|count|data|page|form|screen|button|session|flow|input|support"
    r"|friendly)(?P<name>[a-z][\w.-]{2,30})[ \t]*(?=$"
    r"|[,;|)\n])",
    re.IGNORECASE,
)
_REDDIT = re.compile(r"(?<![\w.-])/?u/(?P<name>[A-Za-z0-9_-]{3,20})(?![\w/.])")
_NUMBERED = re.compile(r"(?<![\w#/&])(?P<name>[A-Za-z][\w.]{1,31}#[0-9]{4,5})(?!\w)")
_NUMBERED_BEFORE = re.compile(
    r"\b(?:discord|battle ?tag|b-?net|riot|valorant|tag|add|dm|friend|minecraft|my|handle)\b",
    re.IGNORECASE,
)
_FOLDER = re.compile(
    rf"(?:[A-Za-z]:)?\\{{1,2}}(?:Users"
    rf"|Documents and Settings)\\{{1,2}}(?P<windows>[^\\/:*?\"<>|\n\r\t{MASK}]{{2,40}})(?=\\)"
    rf"|(?<![\w.])/(?:home|Users|export/home)/(?P<unix>[\w.-]{{2,40}})(?![\w.-])"
)
_NO_FOLDER = re.compile(
    r"user(?:s|name|_?name|[0-9])?|your?[-_. ]?\w*|me|my\w*|admin(?:istrator)?|root|ubuntu"
    r"|ec2-user|pi|runner\w*|public|default|all users|app|apps|node|dev"
    r"|vscode|jovyan|shared|linuxbrew|vagrant|docker|git|jenkins|hadoop|spark|postgres|www\w*"
    r"|data|test|guest|home|\.+|name|foo|bar|xxx+|<.*",
    re.IGNORECASE,
)
_PROMPT = re.compile(
    r"(?:^|\n)\(?[\w ()-]{0,20}?(?P<name>[a-z_][\w.-]{1,31})@[\w.-]{2,40}:[~/][^\s$#]{0,80}[$#]"
    r"(?=\s|$)"
)
_HEAD_NAME = re.compile(
    r"(?:log-?in|user ?_?name|user ?_?id|user|handle|screen ?name)", re.IGNORECASE
)
_HEAD = re.compile(
    r"^(?:[\w ]{1,30}(?P<sign>, ?|\t|;|\|))?(?:[\w ]{1,30}(?:, ?|\t|;|\|)){0,8}?(?:log-?in"
    r"|user ?_?name|user ?_?id|user|handle|screen ?name)"
    r"(?:(?P<last>, ?|\t|;|\|)[\w ]{1,30}){0,8}$",
    re.IGNORECASE | re.MULTILINE,
)
_NAME = re.compile(r"[A-Za-z][\w.-]{2,38}")
_OWNER = re.compile(
    r"\b(?:my|his|her|their|our|your|on|mein|mon|mi|meu|il mio)\s+\Z", re.IGNORECASE
)
_TOLD_WORDS = split_words(
    "user,usr,uid,login,log-in,handle,screen name,nick,account,utili,identifiant,pseudo,benutzer"
    ",usuario,usuário,utente,gebruiker,ytkownik,логин,ник,discord,insta, ig,twitter,snap,tiktok"
    ",tik tok,telegram, tg,skype,reddit,github,gitlab,steam,psn,xbox,gamer,twitch,youtube,venmo"
    ",cash,riot,battletag,wechat,weixin,kik,mastodon,bluesky,threads,pinterest,leetcode,codeforces"
    ",kaggle,linkedin"
)
_TOLD_BEGINNINGS = word_set(
    """
    use usr uid log han scr nic acc sam uti ide pse ben usu ute nom geb uzy dis ins ig twi sna tik
    tel tg sky red git ste psn xbo gam you ven cas rio bat wec wei kik mas blu thr pin lee cod kag
    lin uży л н
    """
)


def find_usernames(text: str) -> Iterator[tuple[int, int]]:
    """Spans of account names; an @handle without its sign, a home folder without its path."""
    if "@" in text:
        yield from _find_handles(text)
        if "$" in text or "#" in text:
            yield from _names(_PROMPT, text)
    if mentions(text, _TOLD_WORDS):
        for match in find_words(_TOLD_BEGINNINGS, _TOLD, text, 0, len(text)):
            if _is_told(match, text):
                yield match.span("name")
    if not text.isascii():
        yield from _names(_LOCAL_TOLD, text)
    yield from _find_in_columns(text)
    if mentions(text, ("user ", "usr ", "login ", "logon ")):
        yield from _names(_LISTED, text)
    if "u/" in text:
        yield from _names(_REDDIT, text)
    if "#" in text:
        for match in _NUMBERED.finditer(text):
            if said_before(_NUMBERED_BEFORE, text, match.start()):
                yield match.span("name")
    if mentions(text, ("users", "/home/", "and settings")):
        yield from (
            match.span(match.lastgroup or 0)
            for match in _FOLDER.finditer(text)
            if not _NO_FOLDER.fullmatch(match[match.lastgroup or 0])
        )


def _find_handles(text: str) -> Iterator[tuple[int, int]]:
    begin, end, is_code = 0, -1, False
    for match in _HANDLE.finditer(text):
        if match.start() > end:
            begin, end = text.rfind("\n", 0, match.start()) + 1, _line_end(text, match.start())
            is_code = bool(_CODE_LINE.search(text[begin:end]))
        if not is_code and _is_handle(match, text, begin, end):
            yield match.span()


def _find_in_columns(text: str) -> Iterator[tuple[int, int]]:
    """The column under a head such as "Name, Login", as long as lines have as many fields."""
    if not mentions(text, ("login", "username", "user name", "user_name", "handle", "user id")):
        return
    read = 0
    for head in _HEAD.finditer(text):
        between = head["sign"] or head["last"]
        if not between or head.start() < read:
            continue
        fields = [field.strip() for field in head[0].split(between.strip(" "))]
        columns = [i for i, field in enumerate(fields) if _HEAD_NAME.fullmatch(field)]
        read = head.end() + 1
        while read < len(text):
            line = text[read : _line_end(text, read)]
            cells = line.split(between.strip(" "))
            if len(cells) != len(fields) or not columns:
                break
            cell = cells[columns[0]]
            start = read + sum(len(one) + 1 for one in cells[: columns[0]])
            start += len(cell) - len(cell.lstrip())
            if _NAME.fullmatch(cell.strip()) and not is_ordinary(cell.strip()):
                yield start, start + len(cell.strip())
            read += len(line) + 1


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return end if end >= 0 else len(text)


def _names(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    for match in pattern.finditer(text):
        if not is_ordinary(match["name"]) and not _NO_FOLDER.fullmatch(match["name"]):
            yield match.span("name")


def _is_handle(match: re.Match[str], text: str, begin: int, end: int) -> bool:
    name = match["name"].rstrip(".")
    if (
        re.split("[._]", name.lower(), maxsplit=1)[0] in _NO_HANDLES
        or name.lower() in _NO_HANDLES
        or len(name) < 3
    ):
        return False
    before = text[max(begin, match.start() - 200) : match.start()].rstrip()
    if before.endswith(("=", "<", ">", "+", "|")):
        return False
    is_camel = bool(re.fullmatch("(?:[A-Z][a-z]+)+", name)) and (
        before.endswith("(") or text.find(")", begin, end) >= 0
    )
    return not is_camel and not (not before and _CODE_NEXT.match(text, match.end()))


def _is_told(match: re.Match[str], text: str) -> bool:
    name = match["name"]
    is_word = is_ordinary(name) and not re.search("[0-9]", name)
    if (
        is_word
        or _NO_FOLDER.fullmatch(name)
        or name.lower() == (match["key"] or match["service"]).lower()
    ):
        return False
    has_form = bool(re.search(r"[0-9_#-]|[a-z]\.[a-z]", name))
    link = match["link"].strip()
    if link.strip("\"'*` ") in ("=", ":", "："):
        is_quoted = bool(re.search("[\"'`*]", link))
        ends = not text[match.end() : match.end() + 1] or bool(
            re.match(r"[\"'`]?\s*(?:[\n,;|)}]|$)", text[match.end() : match.end() + 3])
        )
        is_code = "=" in link and not is_quoted and not re.search("[0-9]", name)
        return ends and not is_code and (bool(match["key"]) or has_form)
    if match["service"] and not has_form:
        before = text[max(0, match.start() - 12) : match.start()]
        if not _OWNER.search(before):
            return False
    return has_form or (
        bool(re.match(r"\s*(?:[\n.,;!?)]|$|and\b|on\b)", text[match.end() : match.end() + 5]))
        and not name.istitle()
    )
