"""Words of many languages that a policy understands."""

# ruff: noqa: RUF001 - letters of other scripts look like Latin ones

from typing import Final

_YES_WORDS: Final = (
    "yes yeah yep yup sure ok okay confirm confirmed confirming correct affirmative absolutely definitely certainly "
    "ja jawohl jep genau klar sicher bestätigt bestätige oui ouais confirme sí si claro vale confirmo sì certo "
    "confermo zeker sim tak ano áno kyllä joo да так evet igen jah jā taip ναι "
    "はい うん ええ 是 是的 好 好的 确认 네 예 응"
)
_NO_WORDS: Final = (
    "no nope nah not never don dont doesn won cannot can stop cancel abort wait hold forget nothing refuse deny "
    "nein nee nicht nie niemals kein keine stopp abbrechen warte halt non pas jamais arrête annule attends nada nunca "
    "cancela espera annulla aspetta niente niet nooit wacht não nao nej inte ikke ikkje ei älä nie ne není нет не "
    "hayır iptal nem όχι いいえ だめ やめて 不 不要 不行 不是 아니 아니요 아뇨"
)
_FILLER_WORDS: Final = "um uh oh well er ah hm hmm äh ähm eh euh please bitte and"
_DIGIT_WORDS: Final = (
    "zero nought null zéro cero nul noll nolla",
    "one eins un uno uma één yksi",
    "two zwei zwo deux dos due twee dois två kaksi",
    "three drei trois tres tre drie três kolme",
    "four vier quatre cuatro quattro quatro fyra neljä",
    "five fünf cinq cinco cinque vijf fem viisi",
    "six sechs seis sei zes sex seks kuusi",
    "seven sieben sept siete sette zeven sete sju syv seitsemän",
    "eight acht huit ocho otto oito åtta otte kahdeksan",
    "nine neun neuf nueve nove negen nio yhdeksän",
)
_BETWEEN_WORDS: Final = "and then dash minus hyphen space point dot comma und dann et puis y e en og och"

YES: Final = frozenset(_YES_WORDS.split())
YES_PAIRS: Final = frozenset(
    {"go ahead", "do it", "please do", "do so", "you may", "mach das", "vas y", "d accord", "de acuerdo"}
)
NO: Final = frozenset(_NO_WORDS.split())
FILLERS: Final = frozenset(_FILLER_WORDS.split())
"""What may come before an answer."""
QUESTION_MARKS: Final = frozenset("?？;؟")
DIGITS: Final = {word: str(digit) for digit, words in enumerate(_DIGIT_WORDS) for word in words.split()}
SPOKEN_ZERO: Final = frozenset({"o", "oh"})
"""Zero beside other digits only."""
REPEATS: Final = {"double": 2, "triple": 3, "doppel": 2}
BETWEEN: Final = frozenset(_BETWEEN_WORDS.split())
"""What may be said between the digits of one number."""
