"""Decides what counts as street and number, by the customs of countries that write in letters.

They differ in what tells a street: a word behind its name (Elm Street, Lindenstraße) or before it
(rue, calle, ul.), or a postal code behind the number. Every quantifier is bounded.
"""

import re
from collections.abc import Iterator

from flows.redact.normalize import MASK
from flows.redact.patterns.address_parts import NAME, NUMBER, TAIL, TOWN, UNIT, UP
from flows.redact.patterns.context import find_near_digits, lower, split_words

_STRONG = (
    r"street|avenue|ave|road|rd|lane|ln|boulevard|blvd|crescent|cres|terrace|parkway|pkwy"
    r"|highway|hwy|turnpike|mews|cul-de-sac|drive|st"
)
_WEAK = (
    r"dr|court|ct|close|cl|way|place|pl|row|square|sq|hill|park|spur|hollow|trail|trl|pike"
    r"|circle|cir|loop|alley|walk|grove|view|bypass|gardens?|gdns"
    r"|path|point|ridge|run|cove|glen|crossing|landing|heights|green|yard|wharf|quay|esplanade"
    r"|promenade|parade|rise|vale|fields?|meadows?|orchard|gate|bend|broadway|mall|creek|knoll"
    r"|plaza|expressway|freeway|route"
)
_DIRECTION = r"(?-i:[NSEW]\.?|[NS][EW]|North|South|East|West)"
# 512 Juniper Bend Rd; in lower case only with the surest words: 6 pelham road.
_ENGLISH = re.compile(
    rf"(?=[0-9])(?<![\w.,/$€£-])(?<![0-9]:)(?!0)(?:(?:{NUMBER}"
    rf"|[0-9]{{1,6}})(?: [0-9]{{1,5}})? {{1,2}}(?:(?:blk|block"
    rf"|hundred block)(?: of)? )?)(?:{_DIRECTION} )?"
    rf"(?:(?:(?:{NAME}|[0-9]{{1,3}}(?:st|nd|rd|th)|(?:of|the|de|la|el|du"
    rf"|von)) ){{1,4}}(?:(?-i:{{}})\b\.?)|(?:[0-9]{{1,3}}(?:st|nd|rd|th)"
    rf"|[a-z'-]{{3,15}})(?: [a-z'-]{{3,15}})? (?-i:{_STRONG})\b\.?"
    rf"|(?:[NSEW] )?Broadway\b)(?: {_DIRECTION}(?!\w))?{UNIT}{TAIL}".replace(
        "{}",
        "|".join(
            f"{word[0].upper()}{word[1:]}|{word}|{word.upper()}"
            for word in f"{_STRONG}|{_WEAK}".replace("?", "").split("|")
        ),
    ),
    re.IGNORECASE,
)
_NO_STREET = re.compile(
    r"\b(?:[gtmk]b|usb|hard|ssd|flash|disk|google|test|minutes?|mins?|hours?|days?|weeks?"
    r"|months?|years?|miles?|km|meters?|metres?|feet|ft|percent|times?|way|ways|more|new"
    r"|different|other|big|best|top|easy|great|people|cars?|lanes?|of|off"
    r"|a|to|in|on|at|from|and|or|per|points?|steps?|degrees?|star|page|pages|from|down|up"
    r"|across|along|is|are|was|for|with|by|that|this|into|open|off)\b",
    re.IGNORECASE,
)
_YEAR_BEFORE = re.compile(
    r"\b(?:in|since|of|the|by|from|after|before|until) (?:19|20)[0-9]{2} \Z", re.IGNORECASE
)
# Unter den Linden 77, 10117 Berlin: a name, a number, a code and a town.
_NUMBER_CODE_TOWN = re.compile(
    rf"[0-9](?<![\w.,-][0-9])(?:[0-9]{{0,3}}(?:[a-z](?![a-z])|[-–/][0-9]{{1,4}})?),?(?: "
    rf"|\s?\n ?)(?:[A-Z]{{1,2}}-)?(?:[0-9]{{5}}|[0-9]{{4}}(?: [A-Z]{{2}})?"
    rf"|[0-9]{{3}} [0-9]{{2}}|[0-9]{{2}}-[0-9]{{3}}) {UP}[a-zß-ÿ][\w-]{{1,24}}",
)
_NAMES_END = re.compile(
    rf"(?<![\w-]){UP}[\w.'’-]{{1,24}}[ -](?:[^\W\d][\w.'’-]{{0,24}}[ -]){{0,3}}\Z"
)
# Wilgengracht 117-3, Rosengasse 8, Wiener Gürtel 54, Drottninggatan 5, petőfi sándor utca 12.
_GLUED = re.compile(
    rf"(?<![\w-])(?:[0-9]{{1,5}} )?(?:{UP}[\w.'-]{{1,24}}[ -]){{0,3}}(?:{UP}?[\w-]{{2,24}}(?:"
    rf"stra(?:ß|ss)e|str\.|gasse|allee|ufer|weg|damm|gürtel|chaussee|platz|steig|stieg|straat"
    rf"|laan|gracht|plein|kade|singel|dijk|steeg"
    rf"|gatan|vägen|gränd|veien|vegen|gata|vej|gade|katu|tie|kuja)|(?:stra(?:ß|ss)e|str\.?"
    rf"|gasse|allee|ufer|weg|damm|gürtel|platz|chaussee|markt|graben|ring|út|útja|utca|tér"
    rf"|rkp\.?|körút|sokak|caddesi|cad\.|sok\.))"
    rf",? (?:no[:.]? ?)?{NUMBER}\.?(?![\w%€])(?!\.[0-9]| ?(?:%|uhr|jahre|km|m\b)){UNIT}{TAIL}",
    re.IGNORECASE,
)
_NO_GLUED = re.compile(
    r"(?:[^\W\d_]+ )?(?:(?:arbeits|sitz|park|stell|spiel|fenster|speicher)?pl[aä]tz|(?:um|aus"
    r"|rück|hin|holz)?weg|ring|markt|allee|tér|út|ufer|graben|damm)",
    re.IGNORECASE,
)
_STREET_ENDS = split_words(
    "straße,strasse,str.,str,gasse,allee,ufer,weg,damm,gürtel,chaussee,platz,stieg,steig,straat"
    ",laan,gracht"
    ",plein,kade,singel,dijk,steeg,gatan,vägen,gränd,veien,vegen,gata,vej,gade,katu,tie,kuja,ma"
    "rkt,graben,ring"
    ",út,útja,utca,tér,rkp,rkp.,körút,sokak,cad.,caddesi,sok."
)
_SPACE_NUMBER = re.compile(r",? (?:no[:.]? ?)?[0-9]")
_PARTICLES = (
    r"(?:(?:de|del|della|delle|dei|degli|di|da|do|dos|das|la|las|los|le|les|l'|d'|du|des"
    r"|of|san|santa|saint|ste?\.?|im\.|gen\.|ks\.|dr\.?|им\.) ?){0,3}"
)
_PREFIX = (
    r"rue|avenue|av\.?|boulevard|bd\.?|chemin|impasse|all[ée]e|quai|cours|calle|c/|avda?\.?"
    r"|avenida|paseo|plaza|pza\.?|carrer|ronda|camino|via|viale|v\.le|piazza|p\.za|corso|largo"
    r"|vicolo"
    r"|rua|r\.|travessa|alameda|praça|estrada|rodovia|ul\.?|ulica|al\.|aleja|os\.|pl\.|ulice"
    r"|strada|str\.|bulevardul|bd\.|jalan|jl\.?|ул\.?|улица|пр\.|просп\.?|пр-т|проспект|пер\.?"
    r"|переулок|бульвар|б-р"
    r"|наб\.?|набережная|ш\.|шоссе|пл\.|площадь|вул\.|οδός|πλατεία|λεωφόρος|оdos"
)
_PREFIXED = re.compile(
    rf"(?<![\w-])(?:г\. ?{NAME},? )?(?:{_PREFIX}) {_PARTICLES}{UP}[\w'’.-]{{1,24}}(?: "
    rf"{_PARTICLES}(?:{UP}[\w'’.-]{{1,24}}|[0-9]{{1,2}}(?= de ))){{0,4}},? {{0,2}}(?:n[°º.]?"
    rf"|nº|no\.?|д\.|дом|bâtiment|bât\.?|num\.?|s/n)? ?{NUMBER}(?![\w%€])(?!\.[0-9]"
    rf"|:[0-9]){UNIT}(?:,? ?[0-9]{{1,2}}[ºª°oa](?: ?[A-Za-z]\b)?){{0,2}}{TAIL}",
    re.IGNORECASE,
)
_NUMBERED_FIRST = re.compile(
    rf"(?<![\w.,/$€£-])(?:{NUMBER},? )(?:rue|avenue|av\.|boulevard|bd\.?|place|chemin|impasse"
    rf"|all[ée]e|quai|cours|route|passage|square|sentier"
    rf"|ruelle) {_PARTICLES}{UP}[\w'’.-]{{1,24}}"
    rf"(?:[ -]{_PARTICLES}{UP}[\w'’.-]{{1,24}}){{0,4}}{UNIT}{TAIL}",
    re.IGNORECASE,
)
# Lives at 52 Hollis 38: where the words tell a place, any name beside a number is one.
_LIVES = re.compile(
    rf"\b(?:live[sd]?|living|located|reside[sd]?|return|deliver(?:ed)?|ship(?:ped)?|sen[dt]"
    rf"|moved?|taxi|meet(?: me| you)?|offices? (?:is|are)|address|stay(?:ing|s)?"
    rf"|come over) (?:at|to|in|with)"
    rf"(?-i: (?P<value>[0-9]{{1,5}}[A-Za-z]? (?:{UP}[\w'’.-]{{1,24}}(?: "
    rf"|(?=[,.\n)]))){{1,5}}(?:[0-9]{{1,5}}(?![0-9:]))?{UNIT}{TAIL}))",
    re.IGNORECASE,
)
_COLOMBIAN = re.compile(
    r"\b(?:calle|carrera|cra|cl|kr|transversal|diagonal"
    r"|avenida)\.? ?[0-9]{1,3} ?[a-z]? ?(?:bis )?(?:#|no\.?"
    r"|n°) ?[0-9]{1,3} ?[a-z]? ?- ?[0-9]{1,3}",
    re.IGNORECASE,
)
_INDIAN = re.compile(
    rf"\b(?:flat|house|h|door|plot|shop|villa|block|bungalow|room|d|s)\.? ?(?:no\.?|number"
    rf"|#)? ?[:#-]? ?(?=[\w/-]{{0,8}}[0-9])[\w/-]{{1,10}},[ \n]?(?:[^,\n{MASK}.]{{2,40}},[ \n]?"
    rf"){{0,6}}[^,\n{MASK}.]{{2,40}}?[ -]{{1,3}}[1-9][0-9]{{2}} ?[0-9]{{3}}(?![0-9])"
    rf"|\b(?:flat|house|h|door|plot|villa|d)\.? ?(?:no\.?"
    rf"|#) ?[:#-]? ?(?=[\w/-]{{0,8}}[0-9])[\w/-]{{1,10}}(?:,[ ]?[^,\n{MASK}.]{{2,40}}?){{0,3}}("
    rf"?:road|rd|nagar|colony|sector|street|marg|apartments?|society|layout|cross|main|enclave"
    rf"|vihar|bagh|chowk|gali|puram|heights"
    rf"|towers?)\b(?:[- ][0-9]{{1,3}})?(?:, ?{TOWN}){{0,3}}"
    rf"|(?:#|no\.? ?)?[0-9]{{1,4}}[/-]?[0-9a-z]{{0,4}},? (?:[0-9]{{1,2}}(?:st|nd|rd"
    rf"|th) (?:cross|main|floor|phase|block|stage),? ){{1,3}}{NAME}(?: {NAME}){{0,3}}{TAIL}",
    re.IGNORECASE,
)
_ROMANIZED = re.compile(
    r"\b[0-9]{1,3}-[0-9]{1,3}(?:-[0-9]{1,3})?,? [A-Z][a-zōū-]{2,20}"
    r"(?:,? [A-Z][a-zōū-]{2,20}){0,2}(?:-(?:ku|shi|cho|machi|ken|gun|to"
    r"|fu))[^\n0-9]{0,30}(?:[0-9]{3}-[0-9]{4})?"
)
_RUSSIAN_END = re.compile(
    r"(?:,? ?(?:д|дом|корп|к|стр|кв|оф)\.? ?[0-9]{1,4}[а-я]?(?![а-я]))+", re.IGNORECASE
)
_PREFIX_WORDS = split_words(
    "rue ,avenue ,av. ,boulevard ,bd ,chemin ,impasse ,allée ,allee ,quai ,cours ,calle ,c/ ,av"
    "da,avenida ,paseo ,plaza ,pza"
    ",carrer ,ronda ,camino ,via ,viale ,v.le ,piazza ,p.za ,corso ,largo ,vicolo ,rua ,r. ,tra"
    "vessa ,alameda ,praça ,estrada ,rodovia ,ul. ,ul ,ulica ,al. "
    ",aleja ,os. ,pl. ,ulice ,strada ,str. ,bulevardul ,jalan ,jl. ,ул.,улица ,пр. ,просп,пр-т "
    ",проспект ,пер.,переулок ,бульвар ,б-р ,наб.,набережная "
    ",ш. ,шоссе ,пл.,площадь ,вул. ,οδός ,πλατεία ,λεωφόρος "
)
_BY_WORDS = (
    (_LIVES, split_words(" at , to , in ,with ")),
    (
        _NUMBERED_FIRST,
        split_words(
            "rue ,avenue ,av. ,boulevard ,bd ,bd. ,place ,chemin ,impasse ,allée ,allee ,quai ,"
            "cours ,route ,passage ,square ,sentier ,ruelle "
        ),
    ),
    (_COLOMBIAN, split_words("calle,carrera,cra,cl ,cl.,kr ,kr.,transversal,diagonal,avenida")),
    (
        _INDIAN,
        split_words(
            "flat,house no,house #,h.no,h. no,h no,door,plot,shop no,villa,block ,bungalow,cros"
            "s,main,d.no,nagar,colony"
        ),
    ),
    (_ROMANIZED, split_words("-ku,-shi,-cho,-machi,-ken,-gun,-to,-fu")),
)


def find_streets(text: str) -> Iterator[tuple[int, int]]:
    """Spans of streets with their number, and with the town and code that follow."""
    for match in _ENGLISH.finditer(text):
        before = text[max(0, match.start() - 8) : match.start() + 5]
        if _is_english(match[0]) and not _YEAR_BEFORE.search(before):
            yield match.span()
    yield from _find_glued(text)
    for match in find_near_digits(_PREFIXED, text, _PREFIX_WORDS):
        is_word = match[0].startswith(("via ", "r. ", "cours ", "str. "))
        if not is_word or re.search("[0-9]{5}", match[0]):
            tail = _RUSSIAN_END.match(text, match.end())
            yield match.start(), tail.end() if tail else match.end()
    for match in _NUMBER_CODE_TOWN.finditer(text):
        name = _NAMES_END.search(text, max(0, match.start() - 80), match.start())
        if name:
            yield name.start(), match.end()
    for pattern, words in _BY_WORDS:
        for match in find_near_digits(pattern, text, words):
            yield match.span("value" if pattern.groups else 0)


def _find_glued(text: str) -> Iterator[tuple[int, int]]:
    lowered, read = lower(text), 0
    for hint in _SPACE_NUMBER.finditer(lowered):
        if hint.end() <= read or not lowered.endswith(_STREET_ENDS, 0, hint.start()):
            continue
        match = _GLUED.search(text, max(read, hint.start() - 80), hint.end() + 120)
        if match:
            read = match.end()
            if _is_glued(match[0]):
                yield match.span()


def _is_english(written: str) -> bool:
    street = re.split("[,\n]", written, maxsplit=1)[0]
    name = re.sub(r"^[0-9\W]*(?:bis|ter|[a-z])?\s", "", street, count=1)
    if re.match(r"(?:19|20)[0-9]{2} ", written) and not re.search("[A-Z]", street):
        return False
    words = name.split()
    return not any(_NO_STREET.fullmatch(word) for word in words[:1]) and (
        any(word[0].isupper() for word in words)
        or not any(_NO_STREET.fullmatch(word) for word in words)
    )


def _is_glued(written: str) -> bool:
    street = re.split("[0-9]", written.lstrip("0123456789 "), maxsplit=1)[0].strip()
    if _NO_GLUED.fullmatch(street):
        return False
    return street != street.lower() or bool(re.search("straße|straat|gracht|utca|útja", street))
