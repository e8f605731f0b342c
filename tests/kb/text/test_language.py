import pytest

from kb.text.language import detect_language, may_be


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("How long do refunds take?", "en"),
        ("order status pls", "en"),
        ("Wie lange dauert die Rückgabe?", "de"),
        ("kann ich umtauschen", "de"),
        ("cuanto tarda el envio", "es"),
        ("combien coûte la livraison", "fr"),
        ("onde está o meu pedido", "pt"),
        ("berapa lama pengiriman", "id"),
        ("kargo ne zaman gelir", "tr"),
        ("сколько идет доставка", "ru"),
        ("Скільки коштує доставка", "uk"),
        ("хочу маме подарить карту сюрпризом", "ru"),
        ("полтора года, весит 13", "ru"),
        ("Можно выйти на полчаса и вернуться?", "ru"),
        ("Чи можна повернути товар", "uk"),
        ("退款需要多久", "zh"),
        ("iPhone怎么退款", "zh"),
        ("二户车站在1891年叫做什么名字？", "zh"),
        ("订单12345什么时候发货", "zh"),
        ("我的邮箱是a@example.com怎么改", "zh"),
        ("#123订单怎么退款", "zh"),
        ("返品できますか", "ja"),
        ("30日以内に返品できますか", "ja"),
        ("재고 있어요?", "ko"),
        ("3일안에반품할수있나요?", "ko"),
        ("ค่าจัดส่งเท่าไหร่", "th"),
        ("كم سعر الشحن", "ar"),
        ("hola", "es"),
        ("danke", "de"),
        ("Dank u wel", "nl"),
        ("Tot ziens!", "nl"),
        ("Teşekkür ederim", "tr"),
        ("va bene", "it"),
        ("va a llegar", "es"),
        ("D'accord", "fr"),
        ("https://example.com/退款 shipping cost", "en"),
    ],
)
def test_the_language_of_customers_messages_is_told(text: str, code: str) -> None:
    assert detect_language(text) == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The shop is in Leipzig.", "en"),
        ("When does the store in Schwerin open?", "en"),
        ("Wann öffnet der Laden in Newcastle upon Tyne?", "de"),
    ],
)
def test_names_do_not_make_a_text_foreign(text: str, code: str) -> None:
    assert detect_language(text, hint="en") == code
    assert detect_language(text) == code


def test_the_users_language_decides_when_the_text_is_too_short() -> None:
    assert detect_language("iPhone 15", hint="de-AT") == "de"
    assert detect_language("123", hint="pt_BR") == "pt"
    assert detect_language("iPhone 15") == "en"
    assert detect_language("123") == ""


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("¿Dan clases?", "es"),
        ("Hacen envíos?", "es"),
        ("aceptan tarjeta?", "es"),
        ("tienen wifi", "es"),
        ("Habt ihr auf?", "de"),
        ("Öffnungszeiten?", "de"),
        ("Есть скидки?", "ru"),
        ("Цены?", "ru"),
        ("без спинки на 20 кг можно?", "ru"),
        ("хочу год спокойно, без сюрпризов", "ru"),
        ("有折扣吗？", "zh"),
        ("Hamster food?", "en"),
        ("Dominant strings?", "en"),
        ("return pls", "en"),
    ],
)
def test_a_short_question_in_another_language_than_the_app_is_told(text: str, code: str) -> None:
    assert detect_language(text, hint="en") == code


def test_a_clear_text_outweighs_the_users_language() -> None:
    assert detect_language("Where is my order?", hint="ru") == "en"
    assert detect_language("退款", hint="en") == "zh"


@pytest.mark.parametrize(
    ("text", "language", "may"),
    [
        ("cancel order", "en", True),
        ("is EMI available?", "en", True),
        ("The ATM machine stole my card.", "en", True),
        ("increase my credit limit", "en", True),
        ("Versandkosten", "en", False),
        ("¿Dan clases?", "en", False),
        ("Hacen envíos?", "en", False),
        ("precios", "de", False),
        ("Habt ihr auf?", "en", False),
        ("Liefert ihr samstags?", "es", False),
        ("Есть скидки?", "en", False),
        ("prices", "ru", False),
        ("wifi?", "zh", False),
        ("Yamaha C3", "en", True),
        ("Weber grill?", "en", True),
        ("gift card", "en", True),
        ("Stradivarius", "en", True),
        ("Gibson Les Paul", "de", True),
        ("Kann ich das zurückgeben?", "en", False),
        ("¿Cuánto cuesta el envío?", "en", False),
        ("Wie viele Sacks erzielte Jared Allen in seiner Karriere?", "en", False),
        ("我的包裹在哪里", "en", False),
        ("где мой заказ", "en", False),
        ("where is my order", "zh", False),
        ("Wie lange dauert es", "de", True),
        ("quanto tempo dura a coleira contra as pulgas", "es", False),
        ("başvuru şu an kaç hafta sürüyor", "de", False),
        ("à quelle heure ouvre votre piscine dimanche", "es", False),
        ("我的包裹在哪里", "zh", True),
        ("", "en", True),
    ],
)
def test_whether_a_text_may_be_in_a_language(text: str, language: str, may: bool) -> None:
    assert may_be(text, language) is may


def test_an_inverted_mark_tells_a_short_question_and_not_what_quotes_one() -> None:
    assert detect_language("¿Compran violines?") == "es"
    assert detect_language("¿Aceptan PayPal?") == "es"
    quoting = "The beginner course starts with greetings such as ¡Hola! and with the numbers."
    assert detect_language(quoting) == "en"


def test_small_words_of_the_users_own_language_count_more_than_letters() -> None:
    assert detect_language("quand est-ce qu'on me rend la caution ?") == "en"
    assert detect_language("quand est-ce qu'on me rend la caution ?", "fr") == "fr"
    assert detect_language("Wie lange ist der Gutschein gültig?", "fr") == "de"
