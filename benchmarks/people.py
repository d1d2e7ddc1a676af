"""A hundred thousand people whom one might look for, in nine scripts, and what one types to find some of them."""

from __future__ import annotations

from random import Random
from typing import Final

from sms_transfer import Target

_SEED: Final = 20_000
_GIVEN: Final = (
    "Anna André Åsa Björn Bob Carol Çağla Chloë Daniel Dieter Đorđe Elif Émile Eva François Fatima Gül Gregor Hélène"
    " Ingrid Iñaki Jan José Jürgen John Jean-Luc Karl Katarzyna Lars Łukasz Maria Maëlle Małgorzata Niamh Nuño Olga"
    " Óscar Pat Pierre Quentin Renée Søren Siobhán Štěpán Thomas Uwe Vít Wanda Xavier Yasmin Zoë Zofia"
)
_FAMILY: Final = (
    "Müller Smith O'Brien O'Neil García Fernández Nguyễn Kowalski Wójcik Łapiński Jørgensen Ångström Öztürk Şahin"
    " D'Angelo Dvořák Novák Nowak Ivanov Jones Johansson Szabó Nagy Popescu Ionescu Silva Conceição Gonçalves Weiß"
    " Strauß Schröder Dubois Lefèvre Müller-Lüdenscheidt Smith-Jones MacDonald Rossi Esposito Peeters Van-Dyck"
    " Þórsdóttir Hernández Žižek Kovačević Brown Taylor Walker Evans Wright Young Xu Quist Yildiz"
)
_SCRIPTS: Final = (
    ((_GIVEN, _FAMILY), " ", 60),
    (
        (
            "Иван Анна Сергей Мария Дмитрий Ольга Фёдор Юлия Марʼяна Олексій",
            "Королёв Шевченко Иванов Зайцева Щукин Попова Кузнецов Ковальчук",
        ),
        " ",
        8,
    ),
    (("Γιώργος Μαρία Νίκος Ελένη Ὀδυσσεύς Άννα", "Παπαδόπουλος Αγγελής Νικολάου Γεωργίου"), " ", 5),
    (("محمد فاطمة عُمَر ليلى أحمد عبدالله", "الخطيب حداد نجار المصري"), " ", 6),
    (("דוד שרה יוסף מִרְיָם נועה", "כהן לוי מזרחי פרץ"), " ", 4),
    (("गीता राम अनिल सुनीता विक्रम", "शर्मा गुप्ता सिंह पटेल"), " ", 5),
    (("伟 芳 小明 秀英 建国 丽丽", "王 李 张 刘 陈 杨 欧阳"), "", 5),
    (("太郎 花子 健一 美咲 さくら", "山田 佐藤 鈴木 高橋 渡辺"), "", 4),
    (("민준 서연 지훈 하은 도윤", "김 이 박 최 정"), "", 3),
)
_EASTERN: Final = ""
"""No space in between: the family's name comes first."""


def people(number: int) -> dict[Target, str]:
    """So many agents with names; many are called alike, as it is in life."""
    chance = Random(_SEED)  # noqa: S311 - the same people each time
    scripts = chance.choices(_SCRIPTS, [weight for *_, weight in _SCRIPTS], k=number)
    return {Target.agent(f"a-{at:06}"): _called(chance, script[0], script[1]) for at, script in enumerate(scripts)}


def _called(chance: Random, parts: tuple[str, str], between: str) -> str:
    given, family = (chance.choice(part.split()) for part in parts)
    if between == _EASTERN:
        return family + given
    middle = f" {chance.choice(parts[0].split())}" if chance.random() < 1 / 4 else ""
    return f"{given}{middle} {family}"


def keystrokes(called: dict[Target, str], number: int) -> list[str]:
    """What stands in the field after each of so many keystrokes, as one looks for one person after the other."""
    chance = Random(_SEED + 1)  # noqa: S311
    known = list(called.items())
    typed: list[str] = []
    while len(typed) < number:
        target, name = chance.choice(known)
        text = _sought(chance, target, name)
        end = chance.randint(1, len(text))
        typed += [text[:at] for at in range(1, end + 1)]
        typed += [text[:at] for at in range(end - 1, max(end - 4, 0), -1)]  # backspace
    return typed[:number]


def _sought(chance: Random, target: Target, name: str) -> str:
    words = name.split()
    ways = (
        name.lower(),
        " ".join(reversed(words)),
        " ".join(word[:2] for word in words),
        words[-1],
        target.id,
        target.id.removeprefix("a-"),
        f"{words[0]} {target.id[:6]}",
        f"{words[0][:1]} {words[-1][:1]} {target.id}",
        f"{words[0]}q",
    )
    return chance.choices(ways, (6, 3, 2, 3, 1, 1, 1, 1, 1))[0]
