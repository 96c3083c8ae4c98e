"""Decides which numbers are somebody's account, case, badge, passport or policy.

A number counts right after a word for it, in the main European languages and some others. Every
quantifier is bounded or possessive.
"""

import re
from collections.abc import Iterator

from flows.redact.normalize import MASK
from flows.redact.patterns.context import (
    DATE,
    find_near_numbers,
    find_words,
    near_numbers_and,
    split_words,
    word_set,
)

# Numbers of a state: reported as national ids, also when a digit is mistyped.
_NATIONAL_WORDS = (
    r"nhs|nino|national insurance|social security|ssn|social insurance|(?-i:SIN|PAN|TIN|EIN"
    r"|NIR|NIE|NIF|DNI|CNP|RFC|BSN)"
    r"|tfn|tax file|medicare|medicaid|aadha+r|pesel|nip|cpf|cnpj|curp|codice fiscale|itin"
    r"|tax(?:payer)? id\w*"
    r"|steuer-?(?:id|identifikationsnummer|nummer)|idnr|sozialversicherungsnummer"
    r"|rentenversicherungsnummer"
    r"|num[eé]ro de s[eé]cu(?:rit[eé] sociale)?|sécu(?:rité sociale)?|c[eé]dula|rut|cuil|cuit"
    r"|personnummer|cpr|hetu"
    r"|burgerservicenummer|nric|emirates id|id ?card|identity (?:card|document|number)"
    r"|national id\w*|personalausweis\w*"
    r"|passports?|passeports?|pasaportes?|passaport[eo]s?|reisepass\w*|paspoort\w*|paszport\w*"
    r"|driv(?:er'?s?|ing) licen[cs]e"
    r"|driver id|dl|permis de conduire|führerschein\w*|licencia de conducir|patente di guida"
    r"|rijbewijs\w*|green ?card|visa number"
    r"|паспорт\w*|инн|снилс|身份证号?|護照|护照|マイナンバー|주민등록번호|आधार"
)
_WORDS = (
    r"acc(?:oun)?t|a/c|customer|client|cust|member(?:ship)?|subscriber|patient|mrn"
    r"|medical record|claims?|policy|case|file"
    r"|docket|students?|employee|emp|staff|personnel|payroll|badge|order|invoice|inv|tracking"
    r"|shipment|parcel|awb"
    r"|consignment|waybill|tickets?|booking|reservation|confirmation|pnr|record locator"
    r"|itinerary|reference|ref|application|app|loan"
    r"|contract|voucher|gift card|cards?|players? card|loyalty|frequent flyer|warrant|permit"
    r"|registration|enrol?lment|candidate"
    r"|applicant|participant|subject|prescription|rx|lab|specimen|accession|meter|serial|s/n"
    r"|device id|routing|sort code"
    r"|bank|iban|vin|chassis|imei|iccid|imsi|chart|receipt|transaction|licen[cs]e|lic"
    r"|applicator licen[cs]e|inmate|incident|docket|citation"
    r"|car|wagon|container|railcar|insurance|group|beneficiary|certificate|dispatch|work order"
    r"|wo|po|purchase order|rma|bol"
    r"|kunden(?:nummer|nr)|konto(?:nummer|nr)?|rechnungs?(?:nummer|nr)?|bestell(?:nummer|nr"
    r"|ung)|auftrags?(?:nummer|nr)?|vertrags?(?:nummer|nr)"
    r"|versicherungs?(?:nummer|nr|schein)|versichertennummer|police|ausweis(?:nummer|nr)?"
    r"|personal(?:nummer|nr)|mitglieds?(?:nummer|nr)|aktenzeichen"
    r"|matrikel(?:nummer|nr)|vorgangs?(?:nummer|nr)|sendungs?(?:nummer|nr)|fahrgestellnummer"
    r"|dossier|commande|facture|contrat|matricule|adh[eé]rent|compte|suivi|billet|r[eé]servation"
    r"|cliente|cuenta|pedido|factura|expediente|p[oó]liza|historia cl[ií]nica|contrato|reserva"
    r"|socio|legajo|seguimiento|empleado|alumno"
    r"|conto|ordine|fattura|pratica|polizza|tessera|matricola|contratto|prenotazione|spedizione"
    r"|klant(?:nummer|nr)?|rekening(?:nummer)?|bestelling|bestelnummer|factuur(?:nummer)?"
    r"|polis(?:nummer)?|lidnummer|personeelsnummer|zaaknummer"
    r"|conta|fatura|processo|ap[oó]lice|prontu[aá]rio|matr[ií]cula|klienta?"
    r"|zam[oó]wieni\w{1,3}|faktur\w{0,2}|umow\w|legitymacj\w"
    r"|клиента?|сч[её]та?|заказа?|договора?|полиса?|дел[оа]|накладн\w{2,3}|заявк\w"
    r"|订单号?|账号|帳號|客户编号|病历号|快递单号"
    r"|口座番号|注文番号|会員番号|患者番号|顧客番号|受付番号"
    r"|주문번호|계좌번호|회원번호|खाता(?: संख्या)?"
)
_QUALIFIER = (
    r"(?:[ -]?(?:numbers?|num|no|nr|n[°ºo]|#|ids?|id number|code|ref(?:erence)?"
    r"|app(?:lication)? no|key|sheet|номер|№|numéro|número|numero"
    r"|numer|nummer|संख्या|番号|号)\b\.?|[ ]?[#№]|[ ]n[°º]\.?)"
)
_LINK = (
    r"(?:[\s]{0,2}(?:is|was|says|reads|are|ends(?: in| with)?|ending(?: in| with)?|it's|its"
    r"|ist|lautet|est|es|è|é|to|:|=|#|-|–|\(|"
    r"\"|\[|\*\*?|是|は|：|on file)(?=[\W\d]|[A-Z])){0,3}\s{0,2}[\"'(\[*#]{0,2}"
)
_VALUE = (
    r"(?P<value>(?-i:(?:[A-Z]{1,6}[ /-]){0,2}(?=[A-Za-z]{0,10}[0-9])[A-Za-z0-9]{1,24}"
    r"(?:[-/_.](?=[A-Za-z0-9])[A-Za-z0-9]{1,24}|[ ](?=[A-Z]{0,3}[0-9])[A-Z0-9]{1,10}(?![a-z/:]))"
    r"{0,7}+))(?![A-Za-z0-9]|[:][0-9])"
)


def _told(words: str) -> re.Pattern[str]:
    body = rf"(?<![0-9A-Za-zÀ-ɏЀ-ӿ])(?P<word>{words})s?\.?(?P<no>{_QUALIFIER})?{_LINK}{_VALUE}"
    return re.compile(body, re.IGNORECASE)


_TOLD = _told(_WORDS)
_NATIONAL_TOLD = _told(_NATIONAL_WORDS)
_HINTS = split_words(
    "acc,a/c,cust,client,member,patient,mrn,medical,claim,policy,case,file,student,emp,staff,"
    "payroll,badge,order,inv,track,ship,parcel,awb,waybill,ticket,booking,reserv,confirm,pnr,"
    "locator,itinerary,ref,appl,loan,contra,voucher,card,loyalty,permit,regist,enrol,"
    "candidate,participant,subject,prescription,rx,lab,specimen,meter,serial,s/n,device,"
    "routing,sort,bank,vin,chassis,imei,chart,receipt,transaction,licen,inmate,incident,car ,"
    "po ,wagon,container,insur,konto,rechnung,bestell,auftrag,vertrag,versicher,ausweis,"
    "nummer,dossier,commande,facture,matric,compte,suivi,billet,cuenta,pedido,expediente,"
    "póliza,poliza,conto,ordine,fattura,pratica,tessera,klant,rekening,factuur,polis,conta,"
    "fatura,processo,apólice,клиент,сч,заказ,договор,полис,дел,накладн,заявк,号,號,番号,번호,खाता,"
    "zamów"
)
_NATIONAL_HINTS = split_words(
    "nhs,nino,insur,social,ssn,sin ,sin:,pan ,pan:,tin ,tin:,ein ,ein:,nir ,nir:,nie ,nie:,nif,"
    "dni,cnp,rfc,bsn,tfn,tax,medic,"
    "aadha,pesel,nip ,nip:,cpf,cnpj,curp,fiscale,steuer,sozial,renten,sécu,secu,dula,rut ,rut:,"
    "cui,personn,"
    "cpr,hetu,burger,nric,emirates,identi,national,ausweis,pass,pasap,pasz,paspo,driv,dl ,"
    "permis,führers,licencia,patente,rijbewijs,card,паспорт,инн,снилс,身份,护,護,マイ,주민,आधार"
)
# The first letters of all these words; words with other letters than a to z are tried anyway.
_BEGINNINGS = word_set(
    """
    a/c aad apo kli rai
    acc adh akt alu app auf aus awb bad ban ben bes bil bol boo bsn bur can car cas ced
    cer cha cit cla cli cnp cod com con cpf cpr cue cui cur cus dev dis dl dni doc dos dri ein
    emi emp enr exp fac fah fak fat fil fre fue gif gre gro het his iba icc id ide idn ime ims
    inc inm ins inv iti kla kon kun lab leg lib lic lid loa loy mat med mem met mit mrn nat nhs
    nie nif nin nip nir nri num ord pan par pas pat pay ped per pes pla pnr po pol pra pre pro
    pru pur rec ref reg rei rek ren res rfc rij rma rou rut rx s/n sec seg sen ser shi sin soc
    sor soz spe ssn sta ste stu sub sui tax tes tfn tic tin tra umo ver vin vis vor vou wag war
    way wo wor zaa zam
    """
)
_STRONG = re.compile(
    r"mrn|medical record|vin|imei|iccid|routing|pnr|record locator|iban|s/n|\w*(?:nummer|nr"
    r"|номер|号|番号|번호)",
    re.IGNORECASE,
)
_UNIT = re.compile(
    r"\s?(?:%|€|\$|£|°|px|[km]b\b|k\b|m\b|(?:units?|items?|pieces|pcs|people|users|points?"
    r"|dollars|usd|eur|euros?|km|kg|lbs?|miles|hours"
    r"|days?|weeks?|months?|years?|times|rows|records|words|requests|students|customers"
    r"|members|employees|orders|tickets|cards|minutes|am|pm)\b)",
    re.IGNORECASE,
)
_NO_NUMBER = re.compile(
    r"[0-9]+[.,][0-9]{1,2}|(?:19|20)[0-9]{2}(?:[-/](?:19|20)?[0-9]{2})?"
    r"|[0-9]{1,2}[-/][0-9]{1,2}|[0-9.]+x|v[0-9.]+"
)
_ENDS = re.compile(
    r"\b(?:ssn|social|cards?|acc(?:oun)?t|number|file|id)\b[^\n0-9.]{0,20}?\b(?:ends?|ending"
    r"|last (?:four|4)(?: digits)?)(?: in| with| are| is|:)?\s"
    r"([0-9]{4})(?![0-9])",
    re.IGNORECASE,
)


def find_id_numbers(text: str) -> Iterator[tuple[int, int]]:
    """Spans of numbers that follow a word such as account or case, and of their last digits."""
    if not re.search("[0-9]", text):
        return
    yield from _find_told(_TOLD, text, _HINTS)
    for match in find_near_numbers(_ENDS, text, ("ends", "ending", "last four", "last 4")):
        yield match.span(1)


def find_told_national_ids(text: str) -> Iterator[tuple[int, int]]:
    """Spans of numbers that follow a word such as passport or social security."""
    yield from _find_told(_NATIONAL_TOLD, text, _NATIONAL_HINTS)


def _find_told(
    pattern: re.Pattern[str], text: str, hints: tuple[str, ...]
) -> Iterator[tuple[int, int]]:
    read = 0
    for start, end in near_numbers_and(hints, text):
        for match in find_words(_BEGINNINGS, pattern, text, max(start, read), end):
            # What was taken for the value of one word may be the next word for a number.
            if match.start() >= read and _is_identifier(match, text):
                read = match.end()
                yield match.span("value")


def _is_identifier(match: re.Match[str], text: str) -> bool:
    value, start = match["value"], match.start()
    digits = sum(sign.isdigit() for sign in value)
    between = text[match.end("word") : match.start("value")]
    is_named = bool(
        match["no"] or _STRONG.fullmatch(match["word"]) or "ends" in between or "ending" in between
    )
    if match["word"].lower() == "case" and text[max(0, start - 3) : start].lower() == "in ":
        return False
    if not is_named and re.fullmatch("[A-Za-z]+[ -](?:19|20)[0-9]{2}", value):
        return False
    if (
        _NO_NUMBER.fullmatch(value)
        or DATE.match(value)
        or text[match.end() : match.end() + 2].startswith((".0", ",0"))
    ):
        return False
    if (
        _UNIT.match(text, match.end())
        or MASK in between
        or ("\n" in between.strip(" ") and not is_named)
    ):
        return False
    if re.search(r"\s-\s|\son\s", between) and not is_named:
        return False
    if is_named or re.search("[:=#]", between):
        return digits >= 3 or (digits >= 2 and len(value) >= 5 and value.isupper())
    has_form = bool(re.search("[A-Z]", value) or "-" in value or "/" in value)
    return (digits >= 4 and has_form) or digits >= 5
