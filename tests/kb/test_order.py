"""A statement follows one sentence of the passage. Cases from reading what models write."""

import pytest

from kb.evidence import adds_nothing, rearranged

PRESSURE = (
    "This formalism includes pressure terms associated with forces that act normal to the "
    "cross-sectional area as well as shear terms associated with forces that act parallel to it."
)
BRIDGE = "拆除后，吴淞路闸桥的运输功能由外滩隧道代替，水闸功能则由金山路水闸代替。"
NIXON = "1973年，尼克松任命威廉·西蒙为联邦能源办公室首任主任。"
JOINED = (
    "More members joined by treaties: Denmark in 1973, Greece in 1981, Spain and Portugal in 1986."
)
TURK = "李思摩，本姓阿史那氏，名思摩，突厥人。"
GROUP = "雨润集团是中国一家食品工业企业，是中国最大的肉制品生产企业之一。"


@pytest.mark.parametrize(
    ("statement", "sentence", "question"),
    [
        (
            "The lamp and the cable are in the box.",
            "However, the lamp and a cable are in the box, and both are white.",
            "What is in the box?",
        ),
        (
            "You can send it back within 30 days.",
            "Send it back within 30 days, and add the form.",
            "How long can I send it back?",
        ),
        (
            "Each packet has an address.",
            "In the other mode each packet has an address, which is long.",
            "What does each packet have in the other mode?",
        ),
        (
            "The cable charges the lamp.",
            "The cable charges the lamp because it is long.",
            "What charges the lamp?",
        ),
        (
            "Der Versand dauert drei Tage.",
            "Der Versand dauert drei Tage und kostet 5 Euro.",
            "Wie lange dauert der Versand?",
        ),
        (
            "中爪兽目是肉食性的有蹄动物。",
            "另外，中爪兽目是肉食性的有蹄动物，分布很广。",
            "中爪兽目是什么动物？",
        ),
        ("We refund half of the price.", "We refund half of the price.", "What do you refund?"),
        ("灯和电缆在盒子里。", "灯和电缆在盒子里，可以退货。", "盒子里有什么？"),
        (
            "It moved to Leeds in 1990.",
            "It moved to Leeds in 1990, and was sold.",
            "When did it move?",
        ),
        ("雨润集团是中国最大的肉制品生产企业之一。", GROUP, "雨润集团在中国的地位是怎样的？"),
        (
            "伊朗是美国的重要盟友。",
            "伊朗是世界第二大石油出口国，也是美国的重要盟友。",
            "哪个石油生产国是美国的重要盟友？",
        ),
        ("李思摩本姓阿史那氏。", TURK, "李思摩的本姓是什么？"),
        ("王沈的字处道。", "王沈，字处道，太原晋阳人。", "王沈的字是什么？"),
        (
            "Greece joined in 1981.",
            "Greece joined in 1981, Spain in 1986.",
            "When did Greece join?",
        ),
    ],
)
def test_what_follows_the_sentence_is_kept(statement: str, sentence: str, question: str) -> None:
    assert list(rearranged(statement, sentence, question)) == []


@pytest.mark.parametrize(
    ("statement", "sentence", "question"),
    [
        (
            "Normal forces are associated with forces that act normal to the cross-sectional area.",
            PRESSURE,
            "What are associated with normal forces?",
        ),
        (
            "Troika Design Group hired ABC's identity.",
            "The network hired the Troika Design Group to design and produce its identity.",
            "Who was hired to produce ABC's identity?",
        ),
        (
            "Denver kept out of the end zone for three plays.",
            "Denver's offense was kept out of the end zone for three plays.",
            "How many plays was Denver kept out of the end zone?",
        ),
        (
            "A student is physically pain.",
            "Corporal punishment (birching the student to cause physical pain) was common.",
            "What does corporal punishment cause a student?",
        ),
        (
            "Ctenophores eat ten times their own weight in a day.",
            "In favorable circumstances, ctenophores can eat ten times their own weight in a day.",
            "How much do ctenophore eat in a day?",
        ),
        (
            "WWF report",
            "The date was correctly quoted from the WWF report, which misquoted an ICSI report.",
            "What report had the correct date?",
        ),
        ("吴淞路闸桥的运输功能由金山路水闸代替。", BRIDGE, "吴淞路闸桥的运输功能由什么代替？"),
        (
            "拉采尔出生于英国。",
            "德国的拉采尔和英国的麦金德等政治地理学家支持帝国主义。",
            "拉采尔出生于哪里？",
        ),
        # Of a list, another one's.
        ("1973", JOINED, "When did Spain join?"),
        ("Spain joined in 1981.", JOINED, "When did Spain join?"),
        (
            "西班牙1979年加入。",
            "后来更多国家加入，1979年的希腊，1985年的西班牙和葡萄牙。",
            "西班牙何时加入的？",
        ),
        # Made of several clauses.
        (
            "Rhodophyte is the largest lineage.",
            "There are three lineages, of which the rhodophyte, or red algal, is one.",
            "What is rhodophyte?",
        ),
        (
            "The Rankine cycle's efficiency is limited by the low turbine entry temperature.",
            "This low turbine entry temperature is why the Rankine cycle is used in bottoming.",
            "What limits the Rankine cycle's efficiency?",
        ),
        (
            "His patents earned money from his own projects.",
            "His patents earned him a considerable amount of money; his own projects began.",
            "What did his patents earn?",
        ),
        # A name said twice.
        (
            "Priestley is given Priestley priority.",
            "Priestley is often given priority because his work was published first.",
            "Why is Priestley given priority?",
        ),
        # What "and" joins is not one thing.
        (
            "弗里德里希•拉采尔出生于英国。",
            "德国 的弗里德里希•拉采尔和 英国 的哈尔福德•麦金德等 政治地理学家 也支持帝国主义。",
            "弗里德里希•拉采尔出生于哪里？",
        ),
        ("红色按钮打开绿色灯。", "红色按钮和绿色灯在左边。", "红色按钮打开什么？"),
        (
            "The white cable charges the blue lamp.",
            "The white cable and the blue lamp are in the box.",
            "What does the white cable charge?",
        ),
        # "May" is not "is".
        ("芭蕉扇是芭蕉叶制成的扇子。", "但「芭蕉扇」也可指芭蕉叶制成的扇子。", "什么是芭蕉扇？"),
        # What is put together of too many pieces.
        (
            "1901年实现了氧气乙炔焊接。",
            "后来，在1901年，人们通过燃烧乙炔和压缩氧气的混合物首次实现氧乙炔焊接。",
            "1901年实现了怎样的焊接工艺？",
        ),
        (
            "The chair of the shop is Ann.",
            "Ann, who came from Leeds in the north, is since 2015 the chair of the shop.",
            "Who is the chair of the shop?",
        ),
        # An answer that was put before the question's words, or behind them.
        (
            "A Tulku is a Bodhisattva vow.",
            "A Lama who was reborn to continue their Bodhisattva vow is called a Tulku.",
            "What is the name of a Bodhisattva vow?",
        ),
        (
            "The neighborhood lies southwest of the 41 freeway.",
            "The neighborhood lies southwest of the 99 freeway, west of the 41 freeway and south.",
            "Which neighborhood lies west of the 41 freeway?",
        ),
        (
            "加那利群岛在非洲大西洋沿岸。",
            "探险队在非洲大西洋沿岸征服了加那利群岛的几个岛。",
            "加那利群岛在哪个大陆沿岸？",
        ),
        # What somebody says or thinks is not what the passage says.
        (
            "The red lamp is the best of all.",
            "The makers of Leeds usually claim that the red lamp is the best of all.",
            "Which lamp is the best of all?",
        ),
        ("红色的灯最好。", "厂家认为红色的灯最好，价格也最低。", "哪种灯最好？"),
        (
            "Scottish Parliament is done in committee.",
            "Much of the work of the Scottish Parliament is done in committee.",
            "Where is much of the work of the Scottish Parliament done?",
        ),
        # A figure of the sentence, put behind the question.
        (
            "Ann was active in our shop for 15 years.",
            "The most active in our shop during the first 15 years was Ann.",
            "In what years was Ann active in our shop?",
        ),
        (
            "辛普森为剧集作曲15年。",
            "最初15年为剧集作曲最多的是辛普森，他还写过主题曲。",
            "辛普森为剧集作曲多少年？",
        ),
        # A bare answer says nothing of what it answers.
        ("阿史那氏", TURK, "李思摩的本姓是什么？"),
        ("3 to 5 days", "Standard delivery takes 3 to 5 days.", "How long is standard delivery?"),
        # Nor of the plan, or of which one.
        ("1930年", "协约国于1930年撤离莱茵兰。", "协约国原定何时撤离莱茵兰？"),
        ("1990", "The shop moved to Leeds in 1990.", "When did the shop first move to Leeds?"),
        (
            "创新中心位于设计智优计划。",
            "创新中心源自设计智优计划，旨在推广设计。",
            "创新中心位于哪里？",
        ),
        # Who is asked for besides, or before, is somebody else.
        (
            "培顿·曼宁",
            "培顿·曼宁以39岁高龄成为超级碗史上年龄最大的四分卫。",
            "在曼宁之前，谁是超级碗年龄最大的四分卫？",
        ),
        (
            "The red lamp and the cable are in the box.",
            "The red lamp and the cable are in the box.",
            "Besides the red lamp, which thing did my sister get last year?",
        ),
        # The item of a list that has what is asked for is another one.
        (
            "橙县、长滩的主要商业机场。",
            "南加州有圣迭戈国际机场；范内斯机场，世界上最繁忙的通用航空机场；橙县、长滩的主要商业机场；以及许多小机场。",
            "世界上最繁忙的通用航空机场是哪个机场？",
        ),
        (
            "The main shops of Leeds.",
            "There are the airport; York, the busiest port of the north; the main shops of Leeds.",
            "What is the busiest port of the north?",
        ),
        # "A of B" is an A.
        (
            "Paleoclimatologists measure oxygen in marine organisms.",
            "Paleoclimatologists measure the ratio of oxygen-18 and oxygen-16 in the shells and "
            "skeletons of marine organisms to determine what the climate was like.",
            "What group of scientists seek to measure the amounts of oxygen in marine animals?",
        ),
        (
            "阿布·卡西姆",
            "阿布·卡西姆（936-1013）开创了通过升华制药的先河。",
            "《医学宝鉴》的作者是谁？",
        ),
        ("尼克松", NIXON, "谁是联邦能源办公室的第一位主任？"),
        ("加拿大大多伦多", "蔡琼辉离开亚视，迁居加拿大多伦多。", "蔡琼辉迁居到什么地方？"),
    ],
)
def test_what_was_put_together_otherwise_is_found(
    statement: str, sentence: str, question: str
) -> None:
    assert list(rearranged(statement, sentence, question))


@pytest.mark.parametrize(
    ("statement", "sentence", "question"),
    [
        # A modifier of what it is about, or of anything in it.
        ("The lamp is in the box.", "The white lamp is in the box.", "What is in the box?"),
        ("The lamp is in the box.", "The lamp is in the blue box.", "Where is the lamp?"),
        ("Disobedience is simple.", "Non-violent disobedience is simple.", "What is disobedience?"),
        ("Ann Lee is the chair.", "Korean economist Ann Lee is the chair.", "Who is the chair?"),
        ("快递免费。", "普通快递免费。", "快递免费吗？"),
        ("快递要两天。", "快递普通要两天。", "快递要几天？"),
        ("宋朝区划改为路。", "宋朝一级区划改为路。", "宋朝区划改为什么？"),
        # What limits it, before or behind.
        ("Delivery is free.", "For members, delivery is free.", "Is delivery free?"),
        ("Delivery is free.", "Delivery is free for orders over 50 euros.", "Is delivery free?"),
        ("Delivery is free.", "Delivery is free, but not in July.", "Is delivery free?"),
        ("Delivery is free.", "Delivery is free, from 50 euros.", "Is delivery free?"),
        ("Delivery is free.", "Delivery is free, on orders over 50 euros.", "Is delivery free?"),
        ("Delivery is free.", "Delivery is free (within Germany).", "Is delivery free?"),
        ("Delivery is free.", "Delivery is free, members only.", "Is delivery free?"),
        ("Der Versand ist frei.", "Der Versand ist frei, bei Vorkasse.", "Ist der Versand frei?"),
        ("退货免费。", "退货免费（限会员）。", "退货免费吗？"),
        ("Delivery is free.", "Members: delivery is free.", "Is delivery free?"),
        ("Delivery is free.", "For members, tea is free; delivery is free.", "Is delivery free?"),
        ("退货免费。", "会员：退货免费。", "退货免费吗？"),
        ("退货免费。", "退货免费，需自行寄回。", "退货免费吗？"),
        (
            "There are two big shops.",
            "Home of two big shops that sell lamps.",
            "How many big shops?",
        ),
        ("Der Versand ist frei.", "Der Versand ist frei ab 50 Euro.", "Ist der Versand frei?"),
        ("El envío es gratis.", "El envío es gratis para socios.", "¿Es gratis el envío?"),
        ("Доставка бесплатная.", "Доставка бесплатная при заказе.", "Доставка бесплатная?"),
        ("退货免费。", "满99元，退货免费。", "退货免费吗？"),
        ("退货免费。", "退货免费，但偏远地区另付运费。", "退货免费吗？"),
        ("雨润是最大的企业。", "雨润是最大的企业之一。", "雨润是什么？"),
        # A small word that is another one.
        ("The lamp is sent to Leeds.", "The lamp is sent from Leeds.", "Where is the lamp sent?"),
        ("You pay the postage.", "We pay the postage.", "Who pays the postage?"),
        ("All lamps are blue.", "Lamps are blue.", "What are lamps?"),
        ("The lamp was sold.", "The lamp is sold.", "Is the lamp sold?"),
        ("Lamps are blue.", "There are lamps that are blue.", "What are lamps?"),
        ("这盏灯是蓝色大灯。", "这盏灯是蓝色最大灯。", "这盏灯是什么？"),
        ("蟾蜍以食肉动物为食。", "蟾蜍是食肉动物，吃小老鼠。", "蟾蜍以什么为食？"),
        ("台灯在盒子。", "台灯有盒子。", "台灯在哪里？"),
        # Whom "it" means is not known.
        ("The shop moved to Leeds.", "It moved to Leeds.", "Where did the shop move?"),
        ("苦力大多在码头工作。", "他们大多在码头工作。", "苦力在哪里工作？"),
        # Something before it that changes what it says of.
        ("Nine lamps have names.", "Boxes of nine lamps have names.", "How many lamps have names?"),
        ("思摩姓阿史那。", "思摩的父亲是突厥人，姓阿史那。", "思摩姓什么？"),
    ],
)
def test_what_was_left_out_changes_what_is_said(
    statement: str, sentence: str, question: str
) -> None:
    assert [reason.kind for reason in rearranged(statement, sentence, question)] == ["swapped"]


def test_a_heading_is_not_the_subject_of_what_stands_in_the_middle() -> None:
    sentence = (
        "The area lost in the Amazon rose, with most of the forest becoming pasture for cattle."
    )
    said, asked = "Amazon rainforest is pasture for cattle.", "What is the Amazon rainforest?"
    assert list(rearranged(said, sentence, asked, above="Amazon rainforest"))
    beginning = "Home of many plants, which few people know."
    said = "The Amazon rainforest is home of many plants."
    assert not list(rearranged(said, beginning, asked, above="Amazon rainforest"))


def test_words_of_the_question_may_stand_in_the_heading_above() -> None:
    statement = "Store the battery in a dry room at 10 to 20 °C."
    sentence = "Take the battery out and keep it in a dry room at 10 to 20 °C."
    question = "How do I store the battery over the winter?"
    heading = "Storing the battery in winter"
    assert list(rearranged(statement, sentence, question))
    assert not list(rearranged(statement, sentence, question, above=heading))
    # The heading lends the question's words only.
    other = "Store the charger in a dry room at 10 to 20 °C."
    assert list(rearranged(other, sentence, question, above="Chargers and storing"))


def test_the_question_over_again_adds_nothing() -> None:
    question = "为什么波兰人队在2013年降级？"
    assert adds_nothing("波兰人队在2013年降级。", question)
    assert not adds_nothing("波兰人队因财务状况在2013年降级。", question)
    assert not adds_nothing("Poland went down in 2013.", "Why did Poland go down?")
