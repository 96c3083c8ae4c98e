"""Decides what may stand beside street and number: unit, postal code, town and country."""

UP = r"(?-i:[^\W\d_a-zа-яß-ÿ])"
NAME = rf"{UP}[\w'’.-]{{0,24}}"
UNIT = (
    r"(?:(?:,? {0,2}|,?\n[ >?]{0,6})(?:(?:apartment|apt|suite|ste|unit|flat|floor|fl|room"
    r"|rm|bldg|building|lot|penthouse|ph|app|appt|appartement|wohnung|whg|etage|bus|boîte"
    r"|piso|pta|puerta|dpto|depto|int|interno|scala|apto|bloco|sala|m|lok|кв|квартира|корп"
    r"|корпус|стр|оф|офис|подъезд|этаж)(?![^\W\d_])\.? ?#?|#|№) ?(?:[0-9][\w/-]{0,5}"
    r"|[A-Za-z](?!\w))(?: floor)?){0,3}"
)
_STATE = (
    r"(?-i:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]"
    r"|PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY]|[A-Z]{2,3})"
)
_UK_CODE = (
    r"(?-i:[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][ABD-HJLNP-UW-Z]{2}"
    r"|[a-z]{1,2}[0-9][a-z0-9]? [0-9][abd-hjlnp-uw-z]{2})(?!\w)"
)
_CA_CODE = r"(?-i:[ABCEGHJ-NPRSTVXY][0-9][A-Z] ?[0-9][A-Z][0-9])(?!\w)"
CODE = (
    rf"(?:{_UK_CODE}|{_CA_CODE}|[0-9]{{4}} ?(?-i:[A-Z]{{2}})(?!\w)"
    rf"|[A-Z]{{1,2}}-[0-9]{{4,5}}|[0-9]{{5}}-[0-9]{{3,4}}"
    rf"|[0-9]{{2,3}}[- ][0-9]{{3,4}}(?![0-9])|[0-9]{{4,6}}(?![0-9]))"
)
TOWN = (
    rf"(?:{UP}[\w'’.()-]{{1,24}}(?:[ -](?:(?:am|an der|im|de|del|la|le|les|do|da|upon|on"
    rf"|sur|di|sul|near|of|the)[ -])?{UP}[\w'’.()-]{{1,24}}){{0,3}})"
)
_COUNTRY = rf"(?:,? ?\n? ?{NAME}(?: {NAME}){{0,2}}(?=\s*(?:[.,;\n)]|$)))?"
_GAP = r"(?:,?[ ]|\s?,?\n[ >?]{0,5}|,)"
TAIL = (
    rf"(?:{_GAP}(?:{TOWN}(?:,| -)?[ \n>?]{{1,7}}){{1,3}}(?:{_STATE},?[ \n]{{1,3}}"
    rf"|nan\s+)?{CODE}(?:,? {TOWN}(?=\s*(?:[.,;\n)]|$)))?{_COUNTRY}"
    rf"|{_GAP}(?:[A-Z]{{1,2}}-)?{CODE} {TOWN}{_COUNTRY}"
    rf"|{_GAP}(?:{_STATE} )?(?:{_UK_CODE}|{_CA_CODE}|[0-9]{{5}}(?![0-9]|[ -][0-9]))"
    rf"|(?:,|\s?\n[ >?]{{0,5}}) ?{TOWN}(?:, ?(?:{TOWN}|{_STATE})){{0,3}}(?=\s*(?:[.;\n)]|$))"
    rf"|, {NAME} {_STATE}(?!\w))?"
)
NUMBER = r"[0-9]{1,5}(?:[a-z](?![a-z])|[ ]?(?:bis|ter)\b|[-–/][0-9]{1,4}[a-z]?|[ ]1/2)?"
