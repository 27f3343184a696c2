"""Invented goods, shoppers and words; nobody and nothing in here exists."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Product:
    """One thing the shop sells. `cents` is its price in US cents.

    `number` makes its ids, except those that somebody gave it.
    """

    sku: str
    name: str
    variant: str
    cents: int
    kg: float
    number: int
    own_id: str | None = None
    own_variant_id: str | None = None

    @property
    def product_id(self) -> str:
        return self.own_id or str(700_000 + self.number)

    @property
    def variant_id(self) -> str:
        return self.own_variant_id or str(810_000 + self.number)

    @property
    def upc(self) -> str:
        return f"{self.number:012d}"


#: The warehouse does not store it: the one return with it is refused for good.
OVERSIZE = Product("MIRROR-180", "Arched Mirror", "180 cm", 18_900, 31.0, 99)

PRODUCTS = (
    Product("TEE-BLU-M", "Organic Tee", "Blue / M", 2_400, 0.2, 1),
    Product("TEE-BLU-L", "Organic Tee", "Blue / L", 2_400, 0.2, 2),
    Product("MUG-TEAL", "Stoneware Mug", "Teal", 1_800, 0.4, 3),
    Product("MUG-RED", "Stoneware Mug", "Red", 1_800, 0.4, 4),
    Product("LAMP-OAK", "Desk Lamp", "Oak", 6_450, 1.6, 5),
    Product("LAMP-ASH", "Desk Lamp", "Ash", 6_950, 1.6, 6),
    Product("KETTLE-1L", "Gooseneck Kettle", "1 l", 5_200, 1.1, 7),
    Product("RUG-90", "Wool Rug", "90 x 150", 12_900, 4.2, 8),
    Product("PILLOW-LIN", "Linen Pillow", "Sand", 3_900, 0.9, 9),
    Product("CLOCK-WAL", "Wall Clock", "Walnut", 7_400, 1.3, 10),
)

WRONG = Product("CAP-GRN", "Canvas Cap", "Green", 1_900, 0.1, 90)
"""What shoppers put into a parcel by mistake."""

REASONS = (
    ("too_large", "Runs large"),
    ("too_small", "Runs small"),
    ("not_as_expected", "Not what I expected"),
    ("damaged", "Arrived broken"),
    ("changed_mind", "Changed my mind"),
)

COMMENTS = (
    "The colour looked different on my screen; otherwise it is well made.",
    "Ordered two to compare and keep the other one. Thank you for the easy return!",
    "It does not fit the shelf by a finger's width. Measured twice, ordered once.",
    "A gift that its receiver already had. The box was opened with care.",
    "Es ist wunderschön, aber leider zu groß für unsere Küche. Viele Grüße",
)

_GIVEN = ("Ada", "Björn", "Chloé", "Dmitri", "Esi", "Farid", "Grace", "Hana", "Íñigo")
_SURNAMES = ("Example", "Fictional", "Invented", "Madeup", "Nobody", "Placeholder")
_STREETS = ("Sample Street", "Fixture Lane", "Mock Avenue", "Demo Road", "Test Mews")
_CITIES = (("Testville", "OH"), ("Stubton", "NV"), ("Mockford", "IL"), ("Demo", "OR"))


@dataclass(frozen=True, slots=True)
class Shopper:
    """Somebody who does not exist, at an address that does not exist."""

    given: str
    surname: str
    email: str
    phone: str
    street: str
    city: str
    state: str
    postal_code: str = "00000"
    country: str = "US"


def invent_shopper(dice: Random) -> Shopper:
    """Return a shopper; the phone number is of the range kept for fiction."""
    given, surname = dice.choice(_GIVEN), dice.choice(_SURNAMES)
    city, state = dice.choice(_CITIES)
    return Shopper(
        given=given,
        surname=surname,
        email=f"shopper{dice.randrange(10**6):06d}@example.com",
        phone=f"+1202555{dice.randint(100, 199):04d}",
        street=f"{dice.randint(1, 99)} {dice.choice(_STREETS)}",
        city=city,
        state=state,
    )
