"""Encodings (target 25): the right text or a question to the operator, never mojibake."""

import codecs

import pytest

from core.errors import UnreadableFile
from kb.parse import parse
from kb.parse.encoding.decoding import decode

_TEXTS = {
    "zh": (
        "问题,答案\n"
        "退款需要多久？,退款通常在三到五个工作日内原路退回。\n"
        "可以修改收货地址吗？,订单发货前可以在“我的订单”中修改。\n",
        "question,answer\n怎么退货？,七天内无理由退货。\n",
    ),
    "zht": (
        "問題,答案\n"
        "退款需要多久？,退款通常在三到五個工作天內退回原付款帳戶。\n"
        "可以修改收件地址嗎？,訂單出貨前可以在「我的訂單」中修改。\n",
        "question,answer\n怎麼退貨？,七天內可以退貨。\n",
    ),
    "ja": (
        "質問,回答\n"
        "返品はできますか？,商品到着後7日以内であれば返品できます。\n"
        "送料はいくらですか？,全国一律500円です。\n",
        "question,answer\n返品できますか？,はい、できます。\n",
    ),
    "ko": (
        "질문,답변\n"
        "환불은 얼마나 걸리나요?,환불은 영업일 기준 3일에서 5일이 걸립니다.\n"
        "배송비는 얼마인가요?,전국 어디나 3000원입니다.\n",
        "question,answer\n환불 되나요?,네, 가능합니다.\n",
    ),
    "ru": (
        "вопрос,ответ\n"
        "Сколько идёт возврат денег?,Деньги возвращаются в течение трёх рабочих дней.\n"
        "Можно ли изменить адрес доставки?,Да до отправки заказа в личном кабинете.\n",
        "question,answer\nКак вернуть товар?,В течение 14 дней.\n",
    ),
    "de": (
        "Frage;Antwort\n"
        "Wie lange dauert die Rückerstattung?;Die Rückerstattung "
        "dauert für gewöhnlich drei bis fünf Tage.\n"
        "Kann ich die Lieferadresse ändern?;Ja, bis zum Versand – unter „Meine Bestellungen“.\n",
        "Frage;Antwort\n"
        "Was kostet die Rückgabe?;Für Sie ist sie gratis, die Gebühr trägt der Händler.\n",
    ),
    "fr": (
        "question;réponse\n"
        "Combien de temps prend le remboursement ?;Le remboursement "
        "est effectué sous trois à cinq jours ouvrés.\n"
        "Puis-je modifier l'adresse de livraison ?;Oui, tant "
        "que la commande n'a pas été expédiée.\n",
        "question;réponse\nOù est ma commande ?;Elle est expédiée à votre adresse.\n",
    ),
    "es": (
        "pregunta;respuesta\n"
        "¿Cuánto tarda el reembolso?;El reembolso tarda entre tres y cinco días hábiles.\n"
        "¿Puedo cambiar la dirección de envío?;Sí, antes de que se envíe el pedido.\n",
        "pregunta;respuesta\n¿Dónde está mi pedido?;Está en camino, llegará mañana.\n",
    ),
    "pl": (
        "pytanie;odpowiedź\n"
        "Ile trwa zwrot pieniędzy?;Zwrot pieniędzy trwa "
        "zazwyczaj od trzech do pięciu dni roboczych.\n"
        "Czy mogę zmienić adres dostawy?;Tak, dopóki zamówienie nie zostało wysłane.\n",
        "pytanie;odpowiedź\n"
        "Gdzie jest moje zamówienie?;Zostało już wysłane, dotrze jutro do końca dnia.\n",
    ),
    "cs": (
        "otázka;odpověď\n"
        "Jak dlouho trvá vrácení peněz?;Vrácení peněz obvykle trvá tři až pět pracovních dnů.\n"
        "Mohu změnit doručovací adresu?;Ano, dokud nebyla objednávka odeslána.\n",
    ),
    "tr": (
        "soru;cevap\n"
        "İade ne kadar sürer?;İade işlemi genellikle üç ile beş iş günü sürer.\n"
        "Teslimat adresini değiştirebilir miyim?;Evet, "
        "sipariş gönderilmeden önce değiştirebilirsiniz.\n",
        "soru;cevap\nSiparişim nerede?;Siparişiniz yarın kapınıza ulaşacak.\n",
    ),
    "el": (
        "ερώτηση;απάντηση\n"
        "Πόσο διαρκεί η επιστροφή χρημάτων?;Η επιστροφή χρημάτων "
        "διαρκεί συνήθως τρεις έως πέντε εργάσιμες ημέρες.\n",
    ),
    "he": (
        "שאלה;תשובה\n"
        "כמה זמן לוקח החזר כספי?;ההחזר הכספי לוקח בדרך כלל בין שלושה לחמישה ימי עסקים.\n",
    ),
    "ar": (
        "سؤال;جواب\n"
        "كم يستغرق استرداد المبلغ؟;يستغرق استرداد المبلغ عادة من ثلاثة إلى خمسة أيام عمل.\n",
    ),
    "th": ("คำถาม,คำตอบ\nการคืนเงินใช้เวลานานเท่าไหร่,การคืนเงินมักใช้เวลาสามถึงห้าวันทำการ\n",),
    "uk": (
        "питання;відповідь\n"
        "Скільки триває повернення коштів?;Повернення коштів зазвичай "
        "триває від трьох до п'яти робочих днів.\n",
    ),
}
"""Files with one to three rows, which is too little for statistics alone."""

_ENCODINGS = {
    "zh": "gb18030 gbk hz",
    "zht": "big5 cp950 big5hkscs",
    "ja": "cp932 shift_jis euc-jp iso2022_jp",
    "ko": "euc-kr cp949 iso2022_kr",
    "ru": "cp1251 koi8-r cp866 iso8859-5 mac_cyrillic",
    "uk": "cp1251 koi8-u",
    "de": "cp1252 latin-1 cp850 mac_roman iso8859-15",
    "fr": "cp1252 latin-1 iso8859-15 mac_roman",
    "es": "cp1252 latin-1 cp850",
    "pl": "cp1250 iso8859-2",
    "cs": "cp1250 iso8859-2",
    "tr": "cp1254 iso8859-9",
    "el": "cp1253 iso8859-7",
    "he": "cp1255",
    "ar": "cp1256 iso8859-6",
    "th": "cp874 tis-620",
}
_UNICODE = "utf-8 utf-8-sig utf-16 utf-16-le utf-16-be utf-32 utf-32-le utf-32-be"


def encoded_files() -> list[tuple[str, str, bytes]]:
    """Return (label, text, bytes) of each text in each encoding that can hold it."""
    files: list[tuple[str, str, bytes]] = []
    for language, texts in _TEXTS.items():
        for encoding in f"{_ENCODINGS[language]} {_UNICODE}".split():
            for rows, text in enumerate(texts):
                held = text.encode(encoding, "ignore").decode(encoding)
                files.append((f"{language} {encoding} {rows}", held, held.encode(encoding)))
    return files


def test_short_files_in_legacy_encodings_are_read_right_or_asked_about() -> None:
    right: list[str] = []
    asked: list[str] = []
    for label, text, data in encoded_files():
        try:
            found = decode("faq.csv", data)
        except UnreadableFile as error:
            asked.append(f"{label}: {error.reason}")
        else:
            assert found == text, label
            right.append(label)
    assert len(right) + len(asked) >= 200
    assert all("Save it as UTF-8" in reason for reason in asked)
    assert len(right) >= 0.97 * (len(right) + len(asked)), asked


@pytest.mark.parametrize("encoding", ["gb18030", "cp932", "cp949", "cp1251", "cp1252", "utf-16-le"])
def test_bytes_cut_within_a_character_are_never_published_as_mojibake(encoding: str) -> None:
    language = {"gb18030": "zh", "cp932": "ja", "cp949": "ko", "cp1251": "ru"}.get(encoding, "de")
    text = _TEXTS[language][0].replace("–", "-").replace("„", "").replace("“", "").replace("”", "")
    data = text.encode(encoding)
    for end in range(len(data) - 12, len(data)):
        try:
            found = decode("faq.csv", data[:end])
        except UnreadableFile:
            continue
        assert text.startswith(found)


@pytest.mark.parametrize(
    "data",
    [
        "Rückgabe möglich\n".encode() + "Rückgabe möglich\n".encode("cp1252"),
        "退款需要多久？\n".encode() + "退款需要多久？\n".encode("gb18030"),
        "退款需要三天。\n".encode("gb18030") + "返品はできますか？\n".encode("cp932"),
        codecs.BOM_UTF8 + "Rückgabe".encode("cp1252"),
        codecs.BOM_UTF16_LE + b"odd",
        bytes(range(128, 256)),
    ],
)
def test_mixed_and_mislabelled_encodings_are_asked_about(data: bytes) -> None:
    with pytest.raises(UnreadableFile, match=r"cannot be told for sure.*Save it as UTF-8"):
        decode("faq.txt", data)


def test_a_file_cut_in_its_last_utf8_character_is_named_as_cut() -> None:
    data = ("退款需要三天。" * 20).encode()[:-1]
    with pytest.raises(UnreadableFile, match="cut off in the middle of a character"):
        decode("faq.txt", data)


def test_binary_content_is_not_taken_for_text() -> None:
    with pytest.raises(UnreadableFile, match="not a text file"):
        decode("faq.txt", bytes(range(32)) * 50)


def test_line_ends_and_marks_of_every_system_are_folded() -> None:
    assert decode("faq.txt", codecs.BOM_UTF8 + b"a\r\nb\rc\n") == "a\nb\nc\n"


def test_html_may_declare_its_encoding() -> None:
    page = '<html><head><meta charset="shift_jis"></head><body><p>返品</p></body></html>'
    assert decode("page.html", page.encode("cp932"), html=True) == page


def test_a_false_declaration_in_html_is_not_believed() -> None:
    page = '<meta charset="shift_jis"><p>返品はできますか？はい、できます。送料はかかりません。</p>'
    with pytest.raises(UnreadableFile, match="cannot be told for sure"):
        decode("page.html", page.encode("euc-jp"), html=True)


def test_a_legacy_faq_file_becomes_entries() -> None:
    parsed = parse("faq.csv", _TEXTS["zh"][0].encode("gb18030"))
    assert parsed.sections[0].text == "退款需要多久？"
    assert parsed.sections[0].answer == "退款通常在三到五个工作日内原路退回。"


@pytest.mark.parametrize(
    "text",
    ["Price?;€ 64.99, or 5 €\n", "Price?;64,99€\n", "What’s it?;It’s “new”, 9 – 17 daily\n",
     "Size?;20 °C, 5 m², 3×4½\n", "Fee?;£5\n", "The customers’ desk\n• one\n"],
)  # fmt: skip
def test_a_text_whose_only_signs_are_those_of_windows_is_read(text: str) -> None:
    assert decode("a.csv", text.encode("cp1252")) == text
