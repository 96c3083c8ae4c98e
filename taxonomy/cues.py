"""Words in a user's turns that speak for a collaboration pattern; English only.

Linear regular expressions without backreferences, in the syntax of polars (Rust regex).
"""

VALIDATION_OPENING = (
    r"(?i)\b(proof-?read|double.?check|check (my|this|if|whether|the)|is (this|that|it|my \w+)"
    r" (right|correct|ok|okay|good|accurate)|are (these|those) (right|correct)|did i|am i right"
    r"|does (this|my \w+) (look|sound|make sense)|review my|critique|feedback on|what do you think"
    r"|correct (my|the grammar|the following)|(any|find|spot) (mistakes?|errors?)|my (draft|answer)"
    r"|have i|look(s)? right|rate my|grade my|sanity check|improve my|how does this (look|sound))\b"
)
LEARNING_OPENING = (
    r"(?i)^\W*(what|why|how|who|when|where|which|is|are|does|do|can you (explain|tell)|could you"
    r" explain|explain|tell me (about|what|how|why)|define|describe how|help me understand"
    r"|i (don'?t|do not) (understand|get)|difference between|teach me|wh?ats)\b"
)
FEEDBACK_TURN = (
    r"(?i)\b(error|exception|traceback|errno|still (not|doesn'?t|does not|fails?|the same|get"
    r"|wrong|no)|(does|did|do)(n'?t| not) work|not work(ing)?|same (problem|issue|error|thing)"
    r"|i (get|got)"
    r"|it (says|said|shows?|gives?|returned|came back|fails?|failed)|tried (it|that|this)|now it"
    r"|output is|result is|nothing happen\w*|crash\w*|undefined|client (said|says|answered|replied)"
    r"|they (said|replied|answered|want)|came back|he (said|says)|she (said|says)|sent it|ran it)\b"
)
ITERATION_TURN = (
    r"(?i)\b(make (it|this|them|the)|add|change|remove|delete|shorten|shorter|longer|rewrite"
    r"|rephrase|instead|replace|more (formal|casual|detail\w*|specific|concise)|less"
    r"|too (long|short|formal|generic)|tone|keep (it|the)|drop the|continue|expand|include"
    r"|without|use \w+ instead|but (with|make)|swap|merge|cut (it|the)|put"
    r"|version|another|in bullet|as a table)\b"
)
LEARNING_TURN = (
    r"(?i)^\W*(what|why|how|so (is|if|does|that|the)|is it|does (it|that)|can you explain|explain"
    r"|but why|wait|and what|ok so|i (don'?t|still don'?t) (get|understand)|what'?s|which)\b"
)
VALIDATION_TURN = (
    r"(?i)\b(is (this|that|it) (right|correct|ok|better|good)|better now|check (again|this|it)"
    r"|here'?s my|i (rewrote|changed|fixed|redid|revised)|my (new|revised|second) (version|draft"
    r"|attempt)|now correct|how about now|did i (get|fix|miss)|any (mistakes|errors) left"
    r"|look right)\b"
)
# a whole turn of small talk, thanks or "go on": it decides nothing
PHATIC = (
    r"(?i)^\W*(?:(?:hi+|hello|hey+|yo|hiya|greetings|good (?:morning|afternoon|evening|day)|there"
    r"|test(?:ing)?|thanks?|thank you|thx|(?:so|very) much|a lot|for (?:your|the) (?:help|answer)"
    r"|ok(?:ay)?|yes|sure|please|bye|goodbye|continue|go on|keep going|proceed|again|chat ?gpt|gpt"
    r"|bot|assistant|sir|friend|<PERSON>|how are (?:you|u)(?: doing)?|(?:doing )?today"
    r"|are you (?:there|here|ready))(?:\W+|$))+$"
)
