"""Hand-made cases of the evidence check: what a passage supports, and what it does not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.evidence import Verdict, check_sentence

SHOP = """Items can be returned within 30 days of delivery. Opened software cannot be returned.
Standard delivery takes 3–5 business days and costs €4.90.
Orders over €50 are shipped free of charge.
If the item arrives damaged, we pay the return postage.
Refunds are made to the original payment method.
Our shop at Baker Street 12 is open Monday to Friday from 9:00 to 18:00, and is closed on Sundays.
Gift cards are valid for three years and cannot be exchanged for cash.
Only gold members get early access. You must be at least 18 years old.
Write to help@kontor.example or call +49 30 1234567.
The warranty of the X200 lasts 24 months, unless the seal is broken. Anna Schmidt leads the team.
Track your parcel at https://kontor.example/track. We do not ship to Canada, Mexico or Peru.
The discount is 20 % until 24 December 2025. At most 5 units per customer."""

LADEN = """商品签收后七天内可以无理由退货，已拆封的软件不能退货。
普通快递需要3至5个工作日，运费为12元，订单满99元包邮。
质量问题由卖家承担运费，其他情况由买家承担运费。退款将原路退回到您的支付账户。
门店地址是北京市朝阳区建国路88号，周一到周五上午9点至下午6点营业，周日不营业。
礼品卡有效期为三年，不可兑换现金。只有金牌会员可以提前购买。未满18岁的用户不能注册。
如果商品破损，我们将免费更换。X200型号的保修期为24个月，但人为损坏除外。
客服电话是400-820-8820，邮箱是help@kontor.example。
折扣为百分之二十，活动截止到2025年12月24日。
电子发票在发货后24小时内发送到您的邮箱，无需另外申请。每位顾客最多购买5件。"""

Q = "How does it work?"
FRAGE = "请问是怎样的？"

SUPPORTED = [
    (SHOP, "Items can be returned within 30 days of delivery.", Q),
    (SHOP, "You can return items within thirty days of delivery.", Q),
    (SHOP, "Items can be returned within ３０ days.", Q),
    (SHOP, "Standard delivery costs 4,90 EUR and takes 3 to 5 business days.", Q),
    (SHOP, "Delivery takes three to five working days.", "How long does delivery take?"),
    (SHOP, "Orders over 50 euros are shipped free of charge.", Q),
    (SHOP, "Opened software cannot be returned.", Q),
    (SHOP, "No, opened software can't be returned.", "Can I return opened software?"),
    (SHOP, "The shop is open Monday to Friday from 9 am to 6 pm.", "When is the shop open?"),
    (SHOP, "It is closed on Sundays.", "Is it open on Sundays?"),
    (SHOP, "Gift cards are valid for 3 years.", "How long are gift cards valid?"),
    (SHOP, "Only gold members get early access.", Q),
    (SHOP, "You must be at least 18 years old.", "How old must I be?"),
    (SHOP, "You can write to help@kontor.example or call +49 30 1234567.", "How do I reach you?"),
    (SHOP, "You can track your parcel at kontor.example/track.", "Where is my parcel?"),
    (SHOP, "The warranty of the X200 lasts 24 months, unless the seal is broken.", Q),
    (SHOP, "The discount is 20 percent until December 24, 2025.", Q),
    (SHOP, "The discount is 20% until 24.12.2025.", Q),
    (SHOP, "If the item arrives damaged, we pay the return postage.", Q),
    (SHOP, "We pay the return postage.", "My item arrived damaged, who pays the postage?"),
    (SHOP, "Anna Schmidt leads the team.", "Who leads the team?"),
    (SHOP, "We do not ship to Canada.", "Do you ship to Canada?"),
    (SHOP, "At most five units per customer.", Q),
    (SHOP, "The shop is at Baker Street 12.", "Where is the shop?"),
    (SHOP, "Refunds are made to your original payment method.", "Where does my refund go?"),
    (SHOP, "Deliveries take 3–5 business days.", "How long do deliveries take?"),
    ("Berlin has three shops.", "Berlin's three shops.", Q),
    ("Most shops are closed on Monday.", "Most of the shops are closed on Monday.", Q),
    (
        "Repairs usually take five days.",
        "They take five days.",
        "How long do repairs usually take?",
    ),
    ("维修通常需要五天，换货需要两天。", "换货需要两天。", FRAGE),
    (
        "由于咸淡水混杂，河口湾常为水产盛产区域。",
        "因为咸淡水混杂",
        "为什么河口湾常为水产盛产区域？",
    ),
    (LADEN, "商品签收后7天内可以无理由退货。", FRAGE),
    (LADEN, "签收后七天内可以退货。", "多久可以退货？"),
    (LADEN, "已拆封的软件不能退货。", FRAGE),
    (LADEN, "普通快递需要三到五个工作日。", "快递需要多久？"),
    (LADEN, "运费为１２元，订单满99元包邮。", FRAGE),
    (LADEN, "质量问题由卖家承担运费。", "谁承担运费？"),
    (LADEN, "门店地址是北京市朝阳区建国路88号。", "门店在哪里？"),
    (LADEN, "周一到周五9:00至18:00营业。", "什么时候营业？"),
    (LADEN, "礼品卡有效期为3年。", "礼品卡有效期多久？"),
    (LADEN, "礼品卡不可兑换现金。", FRAGE),
    (LADEN, "客服电话是400-820-8820。", "客服电话是多少？"),
    (LADEN, "折扣为20%，活动截止到12月24日。", FRAGE),
    (LADEN, "如果商品破损，我们将免费更换。", FRAGE),
    (LADEN, "我们将免费更换。", "商品破损了怎么办？"),
    (LADEN, "电子发票在发货后二十四小时内发送到您的邮箱。", "电子发票什么时候发？"),
    (LADEN, "每位顾客最多购买五件。", FRAGE),
    (LADEN, "只有金牌会员可以提前购买。", FRAGE),
]

UNSUPPORTED = [
    # numbers, units, amounts, dates
    (SHOP, "Items can be returned within 60 days of delivery.", Q, "fact"),
    (SHOP, "Items can be returned within 30 weeks of delivery.", Q, "fact"),
    (SHOP, "Standard delivery takes 3-5 days.", Q, "fact"),
    (SHOP, "Standard delivery takes 5 business days.", Q, "bound"),
    (SHOP, "Standard delivery costs $4.90.", Q, "fact"),
    (SHOP, "Standard delivery costs €49.", Q, "fact"),
    (SHOP, "Orders of at least €50 are shipped free of charge.", Q, "bound"),
    (SHOP, "Orders under €50 are shipped free of charge.", Q, "bound"),
    (SHOP, "You must be at most 18 years old.", Q, "bound"),
    (SHOP, "You must be more than 18 years old.", Q, "bound"),
    (SHOP, "At least 5 units per customer.", Q, "bound"),
    (SHOP, "Gift cards are valid for two years.", Q, "fact"),
    (SHOP, "Gift cards are valid for one year.", Q, "fact"),
    (SHOP, "The discount is 20 % from 24 December 2025.", Q, "bound"),
    (SHOP, "The discount is 20 % until 25 December 2025.", Q, "fact"),
    (SHOP, "The discount is 20 % until 24 December 2026.", Q, "fact"),
    (SHOP, "The discount is €20 until 24 December 2025.", Q, "fact"),
    (SHOP, "The shop is open Monday to Saturday from 9:00 to 18:00.", Q, "fact"),
    (SHOP, "The shop is open Monday to Friday from 9:00 to 20:00.", Q, "fact"),
    (SHOP, "Items can be returned within 90 days of delivery.", "Is it 90 days?", "fact"),
    (SHOP, "The warranty of the X300 lasts 24 months, unless the seal is broken.", Q, "fact"),
    # addresses, links, names
    (SHOP, "Write to support@kontor.example.", Q, "fact"),
    (SHOP, "Call +49 30 7654321.", Q, "fact"),
    (SHOP, "Track your parcel at https://evil.example/track.", Q, "fact"),
    (SHOP, "Track your parcel at kontor.example/login.", Q, "fact"),
    (SHOP, "Our shop is at Oxford Street 12.", Q, "name"),
    (SHOP, "Our shop is at Baker Street 21.", Q, "fact"),
    (SHOP, "Peter Schmidt leads the team.", Q, "name"),
    (SHOP, "Anna Weber leads the team.", "Does Anna Weber lead the team?", "name"),
    (SHOP, "The capital of France is Paris.", "What is the capital of France?", "name"),
    # names that only begin like one of the passage
    (SHOP, "Ann Schmidt leads the team.", Q, "name"),
    (SHOP, "The team is led by Anna Schmitz.", Q, "name"),
    ("The Costa Rican president went to Harvard.", "Costar Rican president.", Q, "name"),
    ("Ratzel of Germany left France.", "Frank Ratzel left Germany.", Q, "name"),
    # negation
    (SHOP, "Items cannot be returned within 30 days of delivery.", Q, "negation"),
    (SHOP, "Opened software can be returned.", "Can I return opened software?", "negation"),
    (SHOP, "Gift cards can be exchanged for cash.", Q, "negation"),
    (SHOP, "We ship to Canada.", "Do you ship to Canada?", "negation"),
    (SHOP, "We ship to Mexico.", "Do you ship to Mexico?", "negation"),
    (SHOP, "Orders over €50 are never shipped free of charge.", Q, "negation"),
    (SHOP, "Refunds are made without the original payment method.", Q, "negation"),
    # only, unless, if
    (SHOP, "Gold members get early access.", Q, "only"),
    (SHOP, "Only items can be returned within 30 days of delivery.", Q, "only"),
    (SHOP, "The warranty of the X200 lasts 24 months.", Q, "exception"),
    (SHOP, "Items can be returned within 30 days, except on Sundays.", Q, "exception"),
    (SHOP, "We pay the return postage.", "Who pays the return postage?", "condition"),
    (SHOP, "If the item is defective, you will receive a replacement.", Q, "words"),
    # what holds of a part only, or not always
    ("We refund half of the price within a week.", "We refund the price.", Q, "quantity"),
    ("Most of our shops are closed on Monday.", "Our shops are closed on Monday.", Q, "quantity"),
    ("Repairs usually take five days.", "Repairs take five days.", Q, "quantity"),
    ("Lieferungen kommen meistens am Montag.", "Lieferungen kommen am Montag.", Q, "quantity"),
    ("维修通常需要五天。", "维修需要五天。", FRAGE, "quantity"),
    ("大部分门店周一休息。", "门店周一休息。", FRAGE, "quantity"),
    ("我们退还一半的运费。", "我们退还运费。", FRAGE, "quantity"),
    # what others are said to be wrong about, or only say
    ("The club is mistakenly called Red Star.", "The club is called Red Star.", Q, "negation"),
    ("The lamp allegedly lasts ten years.", "The lamp lasts ten years.", Q, "negation"),
    ("较有名的是英国犯罪作家协会（中文常误译成：英国推理作家协会）。", "英国推理作家协会",
     "较有名的是什么？", "negation"),
    ("据说这家店明年搬走。", "这家店明年搬走。", FRAGE, "negation"),
    # reasons that the passage does not give
    ("本线2011年后改为20号线。", "本线改名是因为2011年后改为20号线。", FRAGE, "swapped"),
    ("The shop moved in 2011 and sells lamps.", "The shop sells lamps because it moved.", Q,
     "swapped"),
    # additions
    (SHOP, "Items can be returned within 30 days, and our staff will collect them.", Q, "words"),
    (SHOP, "You can return opened shoes within 30 days of delivery.",
     "Can I return my opened shoes to the store for a different colour?", "words"),
    (SHOP, "Please contact the manufacturer for spare parts.", Q, "words"),
    (SHOP, "Based on the passage, items can be returned within 30 days.", Q, "meta"),
    (SHOP, "Would you like to know more about delivery?", Q, "question"),
    (SHOP, "Yes.", "Can I return items?", "empty"),
    (SHOP, "", Q, "empty"),
    (SHOP, "Our slogan is \"shipped with love\".", Q, "quotation"),
    # Chinese
    (LADEN, "商品签收后十天内可以无理由退货。", FRAGE, "fact"),
    (LADEN, "商品签收后7个月内可以无理由退货。", FRAGE, "fact"),
    (LADEN, "普通快递需要3至5天。", FRAGE, "fact"),
    (LADEN, "运费为12美元。", FRAGE, "fact"),
    (LADEN, "运费为20元。", FRAGE, "fact"),
    (LADEN, "订单不足99元包邮。", FRAGE, "bound"),
    (LADEN, "每位顾客至少购买5件。", FRAGE, "bound"),
    (LADEN, "礼品卡有效期为五年。", FRAGE, "fact"),
    (LADEN, "折扣为百分之三十。", FRAGE, "fact"),
    (LADEN, "活动截止到2025年11月24日。", FRAGE, "fact"),
    (LADEN, "周一到周六营业。", FRAGE, "fact"),
    (LADEN, "商品签收后七天内不可以退货。", FRAGE, "negation"),
    (LADEN, "已拆封的软件可以退货。", "拆封的软件可以退货吗？", "negation"),
    (LADEN, "礼品卡可以兑换现金。", "礼品卡可以兑换现金吗？", "negation"),
    (LADEN, "未满18岁的用户可以注册。", FRAGE, "negation"),
    (LADEN, "电子发票需要另外申请。", FRAGE, "negation"),
    (LADEN, "金牌会员可以提前购买。", FRAGE, "only"),
    (LADEN, "X200型号的保修期为24个月。", FRAGE, "exception"),
    (LADEN, "质量问题由买家承担运费。", FRAGE, "swapped"),
    (LADEN, "我们将免费更换。", "你们会怎么做？", "condition"),
    (LADEN, "客服电话是400-820-9999。", FRAGE, "fact"),
    (LADEN, "客服邮箱是service@kontor.example。", FRAGE, "fact"),
    (LADEN, "门店地址是上海市浦东新区世纪大道88号。", FRAGE, "words"),
    (LADEN, "如果商品颜色不喜欢，您可以联系厂家换货。", FRAGE, "words"),
    (LADEN, "店长是王小明先生。", "店长是谁？", "words"),
    (LADEN, "X300型号的保修期为24个月，但人为损坏除外。", FRAGE, "fact"),
    (LADEN, "根据提供的信息，七天内可以退货。", FRAGE, "meta"),
    (LADEN, "法国的首都是巴黎。", "法国的首都是哪里？", "words"),
]  # fmt: skip

GERMAN = """Artikel können innerhalb von 30 Tagen zurückgegeben werden.
Geöffnete Software ist vom Umtausch ausgeschlossen.
Der Versand kostet 4,90 € und dauert drei bis fünf Werktage.
Gutscheine werden nicht in bar ausgezahlt."""
SPANISH = """Los artículos se pueden devolver en un plazo de 30 días.
El envío cuesta 4,90 € y tarda de tres a cinco días laborables.
Las tarjetas regalo no se pueden canjear por dinero."""
RUSSIAN = """Товар можно вернуть в течение 30 дней.
Доставка стоит 490 рублей и занимает от трёх до пяти рабочих дней.
Подарочные карты нельзя обменять на деньги."""

OTHERS = [
    (GERMAN, "Sie können Artikel innerhalb von dreißig Tagen zurückgeben.", True),
    (GERMAN, "Der Versand kostet 4,90 Euro und dauert 3 bis 5 Werktage.", True),
    (GERMAN, "Gutscheine werden in bar ausgezahlt.", False),
    (GERMAN, "Sie können Artikel innerhalb von 14 Tagen zurückgeben.", False),
    (GERMAN, "Der Versand kostet 4,90 Euro und dauert 3 bis 5 Tage.", False),
    (GERMAN, "Herr Müller hilft Ihnen bei der Rückgabe der Artikel.", False),
    (SPANISH, "Puede devolver los artículos en un plazo de treinta días.", True),
    (SPANISH, "El envío tarda de 3 a 5 días laborables.", True),
    (SPANISH, "Las tarjetas regalo se pueden canjear por dinero.", False),
    (SPANISH, "Los artículos se pueden devolver en un plazo de 15 días.", False),
    (RUSSIAN, "Товар можно вернуть в течение тридцати дней.", True),
    (RUSSIAN, "Доставка занимает от 3 до 5 рабочих дней.", True),
    (RUSSIAN, "Подарочные карты можно обменять на деньги.", False),
    (RUSSIAN, "Доставка стоит 590 рублей.", False),
]


def check(passage: str, sentence: str, question: str) -> Verdict:
    return check_sentence(sentence, passage, question=question)


@pytest.mark.parametrize(("passage", "sentence", "question"), SUPPORTED)
def test_supported_sentences_pass(passage: str, sentence: str, question: str) -> None:
    verdict = check(passage, sentence, question)
    assert verdict.supported, verdict.reasons


@pytest.mark.parametrize(("passage", "sentence", "question", "kind"), UNSUPPORTED)
def test_unsupported_sentences_fail_for_the_right_reason(
    passage: str, sentence: str, question: str, kind: str
) -> None:
    verdict = check(passage, sentence, question)
    assert not verdict.supported
    assert kind in {reason.kind for reason in verdict.reasons}


@pytest.mark.parametrize(("passage", "sentence", "supported"), OTHERS)
def test_other_languages(passage: str, sentence: str, supported: bool) -> None:
    verdict = check(passage, sentence, "?")
    assert verdict.supported is supported, verdict.reasons


TEXTS = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "not",
                "30 days",
                "€4.90",
                "'s",
                "-",
                "三天",
                "不",
                "x.Y",
                "1.2.3",
                "12/2025",
                ":",
                ",",
                "½",
                "百分之",
                "İ",
            ]
        ),
        st.text(max_size=12),
    ),
    max_size=12,
).map(" ".join)


@settings(max_examples=150, deadline=None)
@given(sentence=TEXTS, passage=TEXTS, question=TEXTS)
def test_any_text_can_be_checked(sentence: str, passage: str, question: str) -> None:
    for same in (True, False):
        check_sentence(sentence, passage, question=question, same_language=same)


@pytest.mark.parametrize(
    ("sentence", "supported"),
    [
        ("运费为 €4.90。", True),
        ("请写信至 help@kontor.example。", True),
        ("英国与法国移民的比例是 €4.90 million。", False),
        ("原因是他的工作 was published first。", False),
        ("Доставка стоит €4.90 per order.", False),
    ],
)
def test_a_reply_across_languages_leaves_no_word_untranslated(
    sentence: str, supported: bool
) -> None:
    verdict = check_sentence(sentence, SHOP, question="?", likeness=9.0, same_language=False)
    assert ("language" not in {reason.kind for reason in verdict.reasons}) is supported
