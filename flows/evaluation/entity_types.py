"""Decides which of our entity types the type name of somebody else's label means."""

import re

# Left: names in labeled sets (presidio-research, CoNLL, OntoNotes, ai4privacy and the like).
# What is in neither table keeps its own name.
OUR_TYPE = {
    **dict.fromkeys(("PER", "NAME", "FIRST_NAME", "LAST_NAME", "FULL_NAME", "SURNAME"), "PERSON"),
    **dict.fromkeys(("GPE", "LOC", "CITY", "STATE", "COUNTRY"), "LOCATION"),
    **dict.fromkeys(("ORG", "COMPANY", "CORPORATION"), "ORGANIZATION"),
    **dict.fromkeys(
        ("LOCATION_ADDRESS", "STREET_ADDRESS", "STREET", "POSTAL_ADDRESS", "ZIP_CODE", "POSTCODE"),
        "ADDRESS",
    ),
    **dict.fromkeys(("EMAIL", "E_MAIL"), "EMAIL_ADDRESS"),
    **dict.fromkeys(("PHONE", "TELEPHONE", "TELEPHONE_NUMBER", "FAX_NUMBER"), "PHONE_NUMBER"),
    **dict.fromkeys(("CARD_NUMBER", "CREDIT_CARD_NUMBER"), "CREDIT_CARD"),
    "IBAN": "IBAN_CODE",
    **dict.fromkeys(("IP", "IPV4", "IPV6"), "IP_ADDRESS"),
    **dict.fromkeys(("DOMAIN_NAME", "DOMAIN", "WEBSITE"), "URL"),
    **dict.fromkeys(
        ("API_KEY", "PASSWORD", "TOKEN", "ACCESS_TOKEN", "PRIVATE_KEY", "CREDENTIAL", "JWT"),
        "SECRET",
    ),
    **dict.fromkeys(("SSN", "SOCIAL_SECURITY_NUMBER"), "US_SSN"),
    **dict.fromkeys(("ID_CARD", "PASSPORT", "PASSPORT_NUMBER", "DRIVER_LICENSE"), "NATIONAL_ID"),
    **dict.fromkeys(("US_DRIVER_LICENSE", "US_PASSPORT", "US_ITIN", "UK_NHS"), "NATIONAL_ID"),
    **dict.fromkeys(("DOB", "BIRTH_DATE", "BIRTHDATE"), "DATE_OF_BIRTH"),
    **dict.fromkeys(("USER_NAME", "HANDLE", "SOCIAL_HANDLE"), "USERNAME"),
    **dict.fromkeys(("COORDINATE", "COORDINATES", "GPS", "GEO_COORDINATES"), "COORDINATES"),
    **dict.fromkeys(("VEHICLE_PLATE", "NUMBER_PLATE", "VEHICLE_REGISTRATION"), "LICENSE_PLATE"),
    **dict.fromkeys(("BITCOIN_ADDRESS", "CRYPTO_WALLET"), "CRYPTO"),
}
STRUCTURED = (
    "EMAIL_ADDRESS", "CREDIT_CARD", "IBAN_CODE", "IP_ADDRESS", "SECRET", "URL",
)  # fmt: skip
"""What has a shape of its own, and so should not be missed."""

PERSON = "PERSON"
_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,39}")


def our_type(name: str) -> str | None:
    """Our name of a type; its own, in capitals, where we have none; None if it is no name."""
    plain = re.sub(r"[\s/-]+", "_", name.strip()).upper()
    return OUR_TYPE.get(plain, plain) if _NAME.fullmatch(plain) else None
