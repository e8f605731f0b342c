"""Messages that are no questions, several questions at once, follow-ups."""

import pytest

from core.types import Turn
from kb.answering.intent import classify_turn, in_context, is_followup, split_questions
from kb.answering.texts import service_text

INTENTS = {
    "greeting": [
        "Bonjour !",
        "Buongiorno",
        "Boa tarde",
        "Goedemorgen",
        "Dzień dobry",
        "İyi günler",
        "hi",
        "Hello!",
        "heyyy",
        "helo",
        "Good morning 😊",
        "hi there 👋",
        "👋",
        "Hello, anyone there?",
        "I have a question",
        "/start",
        "你好",
        "您好！",
        "在吗？",
        "你好，请问一下",
        "早上好呀",
        "¡Hola!",
        "Buenos días",
        "hola buenas tardes",
        "Guten Tag",
        "hallo zusammen",
        "moin",
        "Grüß Gott",
        "Привет",
        "здравствуйте!!",
        "Добрый день",
        "привет, есть вопрос",
        "hellooo",
    ],
    "thanks": [
        "Je vous remercie",
        "Grazie mille!",
        "Muito obrigado",
        "Dank u wel",
        "Dziękuję bardzo",
        "Çok teşekkür ederim",
        "thanks",
        "Thank you so much!",
        "thx",
        "thnaks",
        "ok thanks",
        "Great, thank you for your help 🙏",
        "🙏",
        "thanks a lot for the quick reply",
        "hi, thanks!",
        "谢谢",
        "好的，谢谢您！",
        "非常感谢你的帮助",
        "谢啦",
        "gracias",
        "Muchas gracias por su ayuda",
        "perfecto, gracias",
        "Danke",
        "vielen dank für die schnelle Antwort",
        "ok danke schön",
        "Спасибо",
        "большое спасибо за помощь",
        "спасиба",
        "thank you, bye",
        "❤️❤️",
        "😍",
        "😘💐",
    ],
    "goodbye": [
        "Au revoir",
        "Arrivederci",
        "Até logo",
        "Tot ziens",
        "Do widzenia",
        "Hoşça kalın",
        "bye",
        "Goodbye!",
        "bye bye 👋",
        "See you later",
        "have a nice day",
        "再见",
        "拜拜",
        "好的再见",
        "adiós",
        "Hasta luego",
        "Tschüss",
        "Auf Wiedersehen",
        "schönen Tag noch",
        "пока",
        "До свидания!",
    ],
    "acknowledged": [
        "ok",
        "Okay.",
        "k",
        "yes",
        "no",
        "👍",
        "got it",
        "great!",
        "I see",
        "hmm",
        "好的",
        "嗯嗯",
        "知道了",
        "vale",
        "de acuerdo",
        "alles klar",
        "gut",
        "хорошо",
        "понятно",
        "",
        "...",
        "haha",
        "😂🤣",
        "😅",
        "✅",
        ":)",
    ],
    "upset": ["😡😡😡", "🤬", "😡🙏", "😢", ":-("],
    "person": [
        "Je voudrais parler à un conseiller",
        "Vorrei parlare con un operatore, grazie",
        "Quero falar com uma pessoa",
        "Ik wil een medewerker spreken",
        "Proszę połączyć mnie, chcę rozmawiać z konsultantem",
        "Bir müşteri temsilcisiyle görüşmek istiyorum",
        "I want to talk to a human",
        "talk to a person please",
        "Can I speak with an agent?",
        "human!",
        "agent please",
        "connect me to a real person",
        "is there a human I can talk to?",
        "operator",
        "How can I talk to a human?",
        "i need a live agent now",
        "let me talk to your manager",
        "this bot is useless, give me a human",
        "转人工",
        "我要转人工客服",
        "人工",
        "请帮我找真人客服",
        "人工客服在吗",
        "Quiero hablar con una persona",
        "necesito hablar con un agente",
        "pásame con un humano",
        "Ich möchte mit einem Menschen sprechen",
        "Kann ich mit einem Mitarbeiter sprechen?",
        "Bitte einen Mitarbeiter verbinden",
        "Позовите оператора",
        "хочу поговорить с человеком",
        "соедините с менеджером пожалуйста",
        "оператор",
    ],
    "question": [
        "je voudrais une chambre pour une personne",
        "auto",
        "noon",
        "sale",
        "sim",
        "quanto costa per una persona",
        "hi, how long does delivery take?",
        "thanks, and what about returns?",
        "ok but how much is it?",
        "Hello I want to return my order",
        "how do I become an agent?",
        "What are the agent fees?",
        "refund",
        "price?",
        "where is my order",
        "Thanks for the lamp, but it is broken",
        "no delivery yet",
        "?",
        "Is there a person account?",
        "When can I talk to an agent?",
        "How many people fit in the tent?",
        "你好，多久发货？",
        "谢谢，那退货呢？",
        "可以退货吗",
        "好的，运费多少",
        "客服电话是多少？",
        "人工客服几点上班？",
        "没有收到货",
        "hola, ¿cuánto cuesta el envío?",
        "gracias, ¿y las devoluciones?",
        "Hallo, wie lange dauert der Versand?",
        "danke, und was ist mit Rückgabe?",
        "Was kostet der Versand",
        "привет, сколько стоит доставка?",
        "спасибо, а как вернуть товар?",
        "Пока не пришёл заказ",
        "Good morning alarm clock price",
        "buy",
        "tank",
        "thank you card",
        "hell of a price, why?",
        "can I use it for 2 people",
        "Bis wann kann ich zurückgeben?",
    ],
}


@pytest.mark.parametrize(
    ("text", "intent"), [(text, intent) for intent, texts in INTENTS.items() for text in texts]
)
def test_intent(text: str, intent: str) -> None:
    assert classify_turn(text) == intent


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("yes please", "en"),
        ("好的", "zh"),
        ("ja", "de"),
        ("да", "ru"),
        ("sí", "es"),
        ("Oui, s'il vous plaît", "fr"),
        ("Sì, grazie", "it"),
        ("Sim", "pt"),
        ("Ja, graag!", "nl"),
        ("Tak, proszę", "pl"),
        ("evet lütfen", "tr"),
    ],
)
def test_yes_after_an_offered_person_asks_for_the_person(text: str, language: str) -> None:
    assert classify_turn(text, last_answer=service_text("unknown", language)) == "person"
    assert classify_turn(text, last_answer="Delivery takes three days.") != "person"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("How long is delivery?", ["How long is delivery?"]),
        (
            "Hi! How long is delivery? And can I return it?",
            ["How long is delivery?", "And can I return it?"],
        ),
        ("I bought a lamp. It is broken. What now?", ["I bought a lamp. It is broken. What now?"]),
        (
            "What does it cost and how long does it take?",
            ["What does it cost?", "How long does it take?"],
        ),
        ("Do you ship and deliver to Spain?", ["Do you ship and deliver to Spain?"]),
        ("my order is late", ["my order is late"]),
        ("What is the price? I mean the blue one.", ["What is the price? I mean the blue one."]),
        ("你好，运费多少？多久能到？", ["你好，运费多少？", "多久能到？"]),
        ("运费多少，多久能到？", ["运费多少", "多久能到？"]),
        ("我买的灯坏了，怎么退货？", ["我买的灯坏了，怎么退货？"]),
        (
            "Was kostet der Versand und wie lange dauert er?",
            ["Was kostet der Versand?", "Wie lange dauert er?"],
        ),
        (
            "1. Do you ship to Spain?\n2. What does it cost?",
            ["1. Do you ship to Spain?", "2. What does it cost?"],
        ),
        ("Thanks! Bye", ["Thanks! Bye"]),
        (
            "what's a used one going for and when does that happen",
            ["what's a used one going for?", "When does that happen"],
        ),
        (
            "where do I leave the car, and may I be there when he wakes up",
            ["where do I leave the car?", "May I be there when he wakes up"],
        ),
        (
            "Bis wann muss ich zurück sein und wie lange gilt die Garantie?",
            ["Bis wann muss ich zurück sein?", "Wie lange gilt die Garantie?"],
        ),
        (
            "kommt ihr auch nach föhr, und was macht das extra? und darf der zaun weg",
            ["kommt ihr auch nach föhr?", "Was macht das extra?", "und darf der zaun weg"],
        ),
        (
            "¿Cuánto cuesta el envío y hasta cuándo puedo devolverlo?",
            ["¿Cuánto cuesta el envío?", "Hasta cuándo puedo devolverlo?"],
        ),
        (
            "Сколько стоит доставка и до какого числа можно вернуть товар?",
            ["Сколько стоит доставка?", "До какого числа можно вернуть товар?"],
        ),
        ("运费多少钱，另外几天能到？", ["运费多少钱", "另外几天能到？"]),
        (
            "Quais vacinas o cão precisa e quanto custa a consulta?",
            ["Quais vacinas o cão precisa?", "Quanto custa a consulta?"],
        ),
        (
            "Quelles clés faut-il et à quelle heure fermez-vous ?",
            ["Quelles clés faut-il?", "À quelle heure fermez-vous ?"],
        ),
        (
            "Quale chiave serve e a che ora chiudete?",
            ["Quale chiave serve?", "A che ora chiudete?"],
        ),
        ("Waar parkeer ik en wat kost dat?", ["Waar parkeer ik?", "Wat kost dat?"]),
        ("Gdzie jest parking i ile kosztuje doba?", ["Gdzie jest parking?", "Ile kosztuje doba?"]),
        (
            "Де парковка поруч і скільки вона коштує?",
            ["Де парковка поруч?", "Скільки вона коштує?"],
        ),
        (
            "鍵は何が必要ですか、料金はいくらですか？",
            ["鍵は何が必要ですか", "料金はいくらですか？"],
        ),
        (
            "営業時間は何時までで、駐車場はありますか？",
            ["営業時間は何時までで", "駐車場はありますか？"],
        ),
        ("鍵が必要で、料金はいくらですか？", ["鍵が必要で、料金はいくらですか？"]),
        (
            "書類は必要ですか。また、1時間いくらですか？",
            ["書類は必要ですか。", "また、1時間いくらですか？"],
        ),
        ("Vad behöver jag och vad kostar det?", ["Vad behöver jag?", "Vad kostar det?"]),
        ("Hvor er dere og hva koster det?", ["Hvor er dere?", "Hva koster det?"]),
        ("Kde parkuji a kolik to stojí?", ["Kde parkuji?", "Kolik to stojí?"]),
        (
            "Mitä tarvitsen mukaan ja paljonko se maksaa?",
            ["Mitä tarvitsen mukaan?", "Paljonko se maksaa?"],
        ),
        ("Τι χρειάζομαι εγώ και πόσο κοστίζει;", ["Τι χρειάζομαι εγώ?", "Πόσο κοστίζει;"]),
        ("Ce acte trebuie și cât costă ora?", ["Ce acte trebuie?", "Cât costă ora?"]),
        ("Mikor van nyitva és mennyibe kerül?", ["Mikor van nyitva?", "Mennyibe kerül?"]),
        ("退款要带哪些东西、多久到", ["退款要带哪些东西", "多久到"]),
        ("毛巾、牙刷有吗？", ["毛巾、牙刷有吗？"]),
        ("需要什麼證件，一小時多少錢？", ["需要什麼證件", "一小時多少錢？"]),
        ("Where can I go and come back by bus?", ["Where can I go and come back by bus?"]),
        ("What should I do and where?", ["What should I do and where?"]),
        ("do I need a helmet and a lock to ride?", ["do I need a helmet and a lock to ride?"]),
        (
            "How much is it to restring, do you do it express?",
            ["How much is it to restring?", "Do you do it express?"],
        ),
        (
            "Was kostet die Reparatur und macht ihr das auch express?",
            ["Was kostet die Reparatur?", "Macht ihr das auch express?"],
        ),
        (
            "¿Cuánto cuesta el arreglo y lo hacen exprés?",
            ["¿Cuánto cuesta el arreglo?", "Lo hacen exprés?"],
        ),
        (
            "Сколько стоит ремонт и делаете ли вы это срочно?",
            ["Сколько стоит ремонт?", "Делаете ли вы это срочно?"],
        ),
        ("修弓多少钱，可以加急吗？", ["修弓多少钱", "可以加急吗？"]),
        (
            "¿Cuánto cuesta el arreglo y aceptáis PayPal?",
            ["¿Cuánto cuesta el arreglo?", "Aceptáis PayPal?"],
        ),
        (
            "Ab welchem Android läuft es und auf wie vielen Geräten?",
            ["Ab welchem Android läuft es?", "Auf wie vielen Geräten?"],
        ),
        ("Where do I park and how long?", ["Where do I park?", "How long?"]),
        ("When I arrive late, is there a fee?", ["When I arrive late, is there a fee?"]),
        (
            "Hi, can you tell me, do you sell strings?",
            ["Hi, can you tell me, do you sell strings?"],
        ),
        (
            "Verkauft ihr Tische und Stühle in Weiß?",
            ["Verkauft ihr Tische und Stühle in Weiß?"],
        ),
        ("¿Tienen mesas y toallas en la sala?", ["¿Tienen mesas y toallas en la sala?"]),
        (
            "Ab welchem Alter geht das und gibts Rabatt?",
            ["Ab welchem Alter geht das?", "Gibts Rabatt?"],
        ),
    ],
)
def test_questions_of_one_message(text: str, parts: list[str]) -> None:
    assert split_questions(text) == parts


def test_a_followup_is_tried_with_the_earlier_question() -> None:
    history = [Turn("How long does delivery take?", "Three to five days.")]
    rewritten = in_context("and for abroad?", history)
    assert rewritten[0] == "How long does delivery take for abroad"
    assert "How long does delivery take? and for abroad?" in rewritten


def test_a_chain_of_followups_reaches_back_to_its_question() -> None:
    history = [
        Turn("Do you ship to Spain?", "Yes."),
        Turn("How long does delivery take?", "Three days."),
        Turn("and for abroad?", "Ten days."),
        Turn("thanks", "You're welcome!"),
    ]
    assert (
        in_context("and express?", history)[0] == "How long does delivery take for abroad express"
    )


def test_chinese_followup() -> None:
    history = [Turn("普通快递需要多久？", "三天。")]
    assert in_context("那国外呢？", history)[0] == "普通快递需要多久 国外呢"


def test_a_question_that_stands_alone_is_left_alone() -> None:
    history = [Turn("How long does delivery take?", "Three to five days.")]
    assert (
        in_context("Which payment methods can I use when I order from Spain online?", history) == []
    )
    assert in_context("and for abroad?", []) == []
    assert in_context("and for abroad?", [Turn("hello", "Hello!")]) == []


@pytest.mark.parametrize(
    "text",
    [
        "and for abroad?",
        "what about returns?",
        "is it waterproof?",
        "那运费呢？",
        "und nach Österreich?",
        "¿y para México?",
        "а за границу?",
    ],
)
def test_followups_are_recognised(text: str) -> None:
    assert is_followup(text)


@pytest.mark.parametrize(
    "text",
    [
        "How can I change the delivery address of my order after paying?",
        "请问如果我已经付款了还可以修改订单的收货地址吗？",
    ],
)
def test_whole_questions_are_no_followups(text: str) -> None:
    assert not is_followup(text)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("mark", [", ", "; ", ": "])
def test_a_message_of_many_clauses_is_split_without_trying_every_way(mark: str) -> None:
    text = mark.join(f"clause{n}" for n in range(150)) + " and what is that?"
    assert split_questions(text) == [text]
