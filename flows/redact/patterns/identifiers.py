"""Decides which numbers are somebody's account, case, badge, passport or policy.

A number counts right after a word for it, in the main European languages and some others. Every
quantifier is bounded or possessive.
"""

import re
from collections.abc import Iterator
from unicodedata import normalize

from flows.redact.normalize import MASK
from flows.redact.patterns.context import (
    DATE,
    find_near_numbers,
    find_words,
    near_numbers,
    split_words,
    word_beginnings,
)


def _forms(listed: str) -> tuple[str, ...]:
    """The words of a list, longest first, with and without accents; "#" is nummer or nr."""
    words = [word.replace("#", end) for word in split_words(listed) for end in ("nummer", "nr")]
    forms = dict.fromkeys([*words, *map(_without_accents, words)])
    return tuple(sorted(forms, key=len, reverse=True))


def _without_accents(word: str) -> str:
    return normalize("NFC", re.sub("[\u0300-\u036f]", "", normalize("NFD", word)))


# A star stands for more letters; words in capitals count in capitals only, and an s may follow.
# Numbers of a state: reported as national ids, also when a digit is mistyped.
NATIONAL_WORDS = _forms(
    "nhs,nino,national insurance,social security,ssn,social insurance,SIN,PAN,TIN,EIN,NIR,NIE,NIF"
    ",DNI,CNP,RFC,BSN,tfn,tax file,medicare,medicaid,aadhar,aadhaar,pesel,nip,cpf,cnpj,curp"
    ",codice fiscale,itin,tax id*,taxpayer id*,steuerid,steuer-id,steuer#,steuer-#"
    ",steueridentifikations#,steuer-identifikations#,idnr,sozialversicherungs#"
    ",rentenversicherungs#,sécu,sécurité sociale,securité sociale,cédula,rut,cuil,cuit,personnummer"
    ",cpr,hetu,burgerservicenummer,nric,emirates id,idcard,id card,identity card"
    ",identity document,identity number,national id*,personalausweis*,passport,passeport"
    ",pasaporte,passaporte,passaporto,reisepass*,paspoort*,paszport*,driver license"
    ",driver licence,drivers license,drivers licence,driver's license,driver's licence"
    ",driving license,driving licence,driver id,dl,permis de conduire,führerschein*"
    ",licencia de conducir,patente di guida,rijbewijs*,greencard,green card,visa number"
    ",паспорт*,инн,снилс,身份证,身份证号,護照,护照,マイナンバー,주민등록번호,आधार"
)
WORDS = _forms(
    "acct,account,a/c,customer,client,cust,member,membership,subscriber,patient,mrn"
    ",medical record,claim,policy,case,file,docket,student,employee,emp,staff,personnel,payroll"
    ",badge,order,invoice,inv,tracking,shipment,parcel,awb,consignment,waybill,ticket,booking"
    ",reservation,confirmation,pnr,record locator,itinerary,reference,ref,application,app,loan"
    ",contract,voucher,card,player card,players card,loyalty,frequent flyer,warrant,permit"
    ",registration,enrolment,enrollment,candidate,applicant,participant,subject,prescription,rx"
    ",lab,specimen,accession,meter,serial,s/n,device id,routing,sort code,bank,iban,vin,chassis"
    ",imei,iccid,imsi,chart,receipt,transaction,licence,license,lic,inmate,incident,citation,car"
    ",wagon,container,railcar,insurance,group,beneficiary,certificate,dispatch,work order,wo,po"
    ",purchase order,rma,bol"
    ",kunden#,konto,konto#,rechnung,rechnungs,rechnung#,rechnungs#,bestell#,bestellung,auftrag"
    ",auftrags,auftrag#,auftrags#,vertrag#,vertrags#,versicherung#,versicherungs#"
    ",versicherungschein,versicherungsschein,versichertennummer,police,ausweis,ausweis#,personal#"
    ",mitglied#,mitglieds#,aktenzeichen,matrikel#,vorgang#,vorgangs#,sendung#,sendungs#"
    ",fahrgestellnummer"
    ",dossier,commande,facture,contrat,matricule,adhérent,compte,suivi,billet,réservation"
    ",cliente,cuenta,pedido,factura,expediente,póliza,historia clínica,contrato,reserva"
    ",socio,legajo,seguimiento,empleado,alumno"
    ",conto,ordine,fattura,pratica,polizza,tessera,matricola,contratto,prenotazione,spedizione"
    ",klant,klant#,rekening,rekeningnummer,bestelling,bestelnummer,factuur,factuurnummer"
    ",polis,polisnummer,lidnummer,personeelsnummer,zaaknummer"
    ",conta,fatura,processo,apólice,prontuário,matrícula"
    ",klient,klienta,zamówieni*,faktur*,umow*,legitymacj*"
    ",клиент,клиента,счёт,счёта,заказ,заказа,договор,договора,полис,полиса,дело,дела,накладн*"
    ",заявк*,订单,订单号,账号,帳號,客户编号,病历号,快递单号"
    ",口座番号,注文番号,会員番号,患者番号,顧客番号,受付番号"
    ",주문번호,계좌번호,회원번호,खाता,खाता संख्या"
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


def _told(words: tuple[str, ...]) -> re.Pattern[str]:
    any_word = "|".join(
        rf"(?-i:{word})" if word.isupper() else re.escape(word).replace(r"\*", r"\w{0,12}")
        for word in words
    )
    body = rf"(?<![0-9A-Za-zÀ-ɏЀ-ӿ])(?P<word>{any_word})s?\.?(?P<no>{_QUALIFIER})?{_LINK}{_VALUE}"
    return re.compile(body, re.IGNORECASE)


_TOLD = _told(WORDS)
_NATIONAL_TOLD = _told(NATIONAL_WORDS)
_BEGINNINGS = word_beginnings(WORDS)
_NATIONAL_BEGINNINGS = word_beginnings(NATIONAL_WORDS)
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
    yield from _find_told(_TOLD, _BEGINNINGS, text)
    for match in find_near_numbers(_ENDS, text, ("ends", "ending", "last four", "last 4")):
        yield match.span(1)


def find_told_national_ids(text: str) -> Iterator[tuple[int, int]]:
    """Spans of numbers that follow a word such as passport or social security."""
    yield from _find_told(_NATIONAL_TOLD, _NATIONAL_BEGINNINGS, text)


def _find_told(
    pattern: re.Pattern[str], beginnings: frozenset[str], text: str
) -> Iterator[tuple[int, int]]:
    read = 0
    for start, end in near_numbers(text):
        for match in find_words(beginnings, pattern, text, max(start, read), end):
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
