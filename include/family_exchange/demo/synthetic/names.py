"""Names that no real register was copied from: plain forenames, invented surnames, by the sound of their origin.

Surnames are made up so that a synthetic file can be told from a real one at a glance; a few thousand more come from
putting a stem and an ending together. The order is the weight: earlier names are commoner.
"""

import unicodedata
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from random import Random


@dataclass(frozen=True, slots=True)
class Origin:
    """Names that sound as if they belonged together, and the ethnicity codes that go with them."""

    share: float
    girls: tuple[str, ...]
    boys: tuple[str, ...]
    surnames: tuple[str, ...]
    composed: float
    """Share of surnames that are put together instead of taken from the list."""
    ethnicities: tuple[str, ...]


def words(text: str) -> tuple[str, ...]:
    """The words of `text`, in order."""
    return tuple(text.split())


_BRITISH = Origin(
    share=0.72,
    girls=words(
        """Olivia Emma Katherine Elizabeth Amelia Jessica Sarah Margaret Rebecca Charlotte Lucy Hannah Megan Chloe
        Victoria Samantha Abigail Eleanor Patricia Susan Deborah Isabella Caitlin Siân Niamh Rhiannon Harriet Imogen
        Josephine Bethany Tamsin Rosalind Winifred Morwenna Philippa"""
    ),
    boys=words(
        """Thomas James William Daniel Michael Matthew Alexander Robert Joseph Samuel Benjamin Christopher Edward
        Anthony Nicholas Andrew Jonathan Callum Liam Connor Stephen Frederick Theodore Owen Rhys Declan Angus Gareth
        Leonard Jasper Tobias Alistair Ewan Barnaby Crispin"""
    ),
    surnames=words(
        """Ashbarrow Brindlecote Carrowmoor Dunmerrow Elmstead Farrowdale Garthwold Hollinbeck Kestwick Larkenby
        Marlingham Netherby Oakhanger Pellbrook Quarrington Ravenstall Saltwick Tarnley Underhowe Vickerstone
        Wetherlam Yarrowby Aldercombe Birkenholt Copsegrove Dellwright Eastonhowe Fennimoor Gorsewell Harkstead
        Inglethorn Kilnsey-Mere Lowtherby Mossgarth Northcliff Otterwell Plumley-Hart Rushbarrow Stanbeck Thistlecote
        Uffington-Rae Wainscote Wrenbury-Lowe Applegarth Blackmoorby Cawthistle Dravenport Ellerholme Foxenby
        Gribblestone Heatherwick Ivingholt Joxley Kelderby Lintonhowe Merriscote Nuttersley Ormsgill Penhollow
        Roskarrow Sandybeck Trevanyon Pencadwyn Llanfaris Abermoor Cadwgarth Gwynarth O'Dunmore O'Kilvarra McTarnish
        McAllanby FitzHarrow O'Brannick MacDunvarr O'Sheerin Strathmuir Inverlarne Glenmarrow Craigbarra Tullivane"""
    ),
    composed=0.55,
    ethnicities=("WBRI", "WBRI", "WBRI", "WBRI", "WBRI", "WIRI", "MWBC", "BCRB", "REFU"),
)
_EAST_EUROPEAN = Origin(
    share=0.08,
    girls=words("Zofia Magdalena Agnieszka Katarzyna Małgorzata Ioana Oksana Živilė Daniela"),
    boys=words("Jakub Paweł Krzysztof Michał Łukasz Andrei Bogdan Tomáš Ștefan"),
    surnames=words(
        """Kowalewicz Zielnowski Wróbelek Dąbrowiecki Szczepaniuk Żurawicki Łęczycki Gajewiak Piotrkowiak Mazurniak
        Jabłoniewicz Popovarescu Ionesculeț Dumitrașc Văcărenu Petrauskis Kazlaitis Horváthik Novotníček Bondarevko
        Ševčikas Krasnohorod Rusnáček Borovecký"""
    ),
    composed=0.0,
    ethnicities=("WOTH",),
)
_SOUTH_ASIAN = Origin(
    share=0.09,
    girls=words("Aisha Priya Fatima Zainab Maryam Anjali Nadia Sumaira Harpreet Ruksana"),
    boys=words("Mohammed Imran Arjun Hassan Rahul Bilal Harjit Yusuf Vikram Tariq"),
    surnames=words(
        """Mirzapour Hussainwala Akhtarzai Chaudharim Rahmanki Bhattivar Patelkar Sharmavat Kaurjeet Iqbalzada
        Mahmudani Begumpur Siddiquel Nairangal Guptavale Qureshan Ansarabad Dhillonmar Jivrajani Krishnamoor Talukdari
        Sandhuvar Malikpuri Farooqabad"""
    ),
    composed=0.0,
    ethnicities=("APKN", "AIND", "ABAN", "AOTH"),
)
_MIDDLE_EASTERN = Origin(
    share=0.04,
    girls=words("Layla Noor Yasmin Shirin Rojin Amal"),
    boys=words("Mohammed Omar Ahmed Karim Dilshad Youssef"),
    surnames=words(
        """Al-Harrani Haddadin Barzanjeh El-Masroun Rostamkhah Karimzad Abdulrahim Khalidoun Nasserallah Shirazpour
        Darwishan Ben-Yazid Jabbarikh Tehranchi"""
    ),
    composed=0.0,
    ethnicities=("OOTH", "AOTH"),
)
_AFRICAN = Origin(
    share=0.04,
    girls=words("Adaeze Ngozi Folake Abena Hodan Tendai"),
    boys=words("Chidi Oluwaseun Kwame Tunde Abdi Tafadzwa"),
    surnames=words(
        """Oyelarande Adekunmi Nwachinedu Okonkwelu Mensabwe Asantiko Boatengah Mutasarwa Chikwandari Warsamedi
        Farahdiid Olawaleko Eziokwume Tesfamarik Diallonke Kamarabeh"""
    ),
    composed=0.0,
    ethnicities=("BAFR", "MWBA"),
)
_OTHER = Origin(
    share=0.03,
    girls=words("Mei Lan Inês Catarina Linh Rosario"),
    boys=words("Wei Jun João Tiago Minh Rafael"),
    surnames=words(
        """Xuan Tsoi-Lam Nguyenh Phamtran Zhaoling Leung-Ko Huangpo Fernandelo Carvalhinho Sousantos Mendonçal
        Villaroja D'Almeirim"""
    ),
    composed=0.0,
    ethnicities=("CHNE", "AOTH", "WOTH", "OOTH"),
)
ORIGINS = (_BRITISH, _EAST_EUROPEAN, _SOUTH_ASIAN, _MIDDLE_EASTERN, _AFRICAN, _OTHER)

_STEMS = words(
    """Ald Amber Arken Barn Beck Birl Bram Brock Calder Carn Chad Crom Dank Dray Dun Elder Esk Fairn Fen Gar Gild Gris
    Hag Hawk Hesk Holm Ink Kel Kirn Lang Leth Lum Mal Mickle Nid Orm Pen Pick Quern Raw Risp Scar Skel Stour Swin Thorn
    Tod Ulver Wharn Withen"""
)
_ENDINGS = words(
    """barrow beck bourne bridge by combe cote croft dale den fell ford garth gate gill grave ham haugh hurst ingham ley
    low mere more ridge shaw stead thwaite ton wick with wold worthy wright"""
)

NICKNAMES: dict[str, tuple[str, ...]] = {
    "Katherine": ("Kate", "Katie", "Catherine", "Kathryn"),
    "Elizabeth": ("Liz", "Beth", "Lizzie", "Elisabeth"),
    "Margaret": ("Maggie", "Peggy"),
    "Rebecca": ("Becky", "Rebekah"),
    "Victoria": ("Vicky", "Tori"),
    "Samantha": ("Sam",),
    "Abigail": ("Abi", "Abbie"),
    "Eleanor": ("Ellie", "Nell"),
    "Patricia": ("Pat", "Trish"),
    "Susan": ("Sue",),
    "Deborah": ("Debbie", "Debra"),
    "Charlotte": ("Charlie", "Lottie"),
    "Jessica": ("Jess",),
    "Josephine": ("Jo", "Josie"),
    "Isabella": ("Bella", "Izzy", "Isabela"),
    "Caitlin": ("Kaitlyn", "Catlin"),
    "Siân": ("Shan",),
    "Niamh": ("Neve",),
    "Thomas": ("Tom", "Tommy"),
    "James": ("Jim", "Jamie"),
    "William": ("Will", "Bill", "Billy"),
    "Daniel": ("Dan", "Danny"),
    "Michael": ("Mick", "Mike"),
    "Matthew": ("Matt", "Mathew"),
    "Alexander": ("Alex", "Sandy"),
    "Robert": ("Rob", "Bob", "Bobby"),
    "Joseph": ("Joe",),
    "Samuel": ("Sam",),
    "Benjamin": ("Ben",),
    "Christopher": ("Chris", "Kit"),
    "Edward": ("Ed", "Ted"),
    "Anthony": ("Tony", "Antony"),
    "Nicholas": ("Nick", "Nicolas"),
    "Andrew": ("Andy", "Drew"),
    "Jonathan": ("Jon", "Jonny", "Johnathan"),
    "Stephen": ("Steve", "Steven"),
    "Frederick": ("Fred", "Freddie"),
    "Theodore": ("Theo",),
    "Callum": ("Calum",),
    "Connor": ("Conor",),
    "Mohammed": ("Muhammad", "Mohamed", "Mohammad"),
    "Yusuf": ("Yousef", "Youssef"),
    "Youssef": ("Yusuf", "Yousif"),
    "Ahmed": ("Ahmad",),
    "Hassan": ("Hasan",),
    "Fatima": ("Fatimah",),
    "Zainab": ("Zaynab",),
    "Aisha": ("Ayesha",),
    "Maryam": ("Mariam",),
    "Magdalena": ("Magda",),
    "Agnieszka": ("Agnes", "Aga"),
    "Katarzyna": ("Kasia", "Katarina"),
    "Krzysztof": ("Chris", "Krzystof"),
    "Oluwaseun": ("Seun",),
}
"""How else a forename is written down, by friends, clerks, or another alphabet's rules."""

_UNDECOMPOSED = str.maketrans({"ł": "l", "Ł": "L", "đ": "d", "ø": "o", "ß": "ss"})


def plain(name: str) -> str:
    """`name` in unaccented letters, as a system writes it that knows no others."""
    if name.isascii():
        return name
    decomposed = unicodedata.normalize("NFKD", name.translate(_UNDECOMPOSED))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def origin(rng: Random) -> Origin:
    """One of the origins, by their shares."""
    return rng.choices(ORIGINS, cum_weights=_origin_weights())[0]


def forename(rng: Random, among: Origin, sex: str) -> str:
    """A forename that suits `sex` (F or M)."""
    names = among.girls if sex == "F" else among.boys
    return rng.choices(names, cum_weights=_falling(len(names)))[0]


def surname(rng: Random, among: Origin) -> str:
    """A surname: from the list, earlier ones more often, or put together."""
    if rng.random() < among.composed:
        return rng.choice(_STEMS) + rng.choice(_ENDINGS)
    return rng.choices(among.surnames, cum_weights=_falling(len(among.surnames)))[0]


@cache
def _falling(count: int) -> tuple[float, ...]:
    """Cumulative weights that fall slowly, as the frequency of names does."""
    return tuple(accumulate(1 / (rank + 8) for rank in range(count)))


@cache
def _origin_weights() -> tuple[float, ...]:
    return tuple(accumulate(each.share for each in ORIGINS))
