import pytest

from core.masking import mask


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("my card 4111 1111 1111 1111 exp 12/26", "my card •••• 1111 exp 12/26"),
        ("4111111111111111", "•••• 1111"),
        ("order 1234 4111-1111-1111-1111", "order 1234 •••• 1111"),
        ("5555.5555.5555.4444 or 378282246310005", "•••• 4444 or •••• 0005"),
        ("6212 3456 7890 0000 003", "•••• 0003"),
        ("４１１１ １１１１ １１１１ １１１１", "•••• １１１１"),
        ("password: hunter2", "password: ••••"),
        ("the password I use is swordfish9", "the password I use is ••••"),
        ("pw: letmein77 passwd=abc12345", "pw: •••• passwd=••••"),
        ("password for my account: hunter2 please", "password for my account: •••• please"),
        ("my password is Summer24!", "my password is ••••"),
        ("Mein Passwort lautet Geheim1", "Mein Passwort lautet ••••"),
        ("mi contraseña es Verano24", "mi contraseña es ••••"),
        ("Пароль: qwerty", "Пароль: ••••"),
        ("密码：abc123，请帮我", "密码：••••，请帮我"),
        ("我的密码是abc123", "我的密码是••••"),
        ("cvv 123 PIN: 1234", "cvv ••• PIN: ••••"),
        ("https://shop.example/?password=ab", "https://shop.example/?password=••"),
        ("password: swordfish please help", "password: •••• please help"),
        ("Passwort: Sonnenblume, es geht nicht", "Passwort: •••• es geht nicht"),
        ("密码: swordfish", "密码: ••••"),
    ],
)
def test_card_numbers_and_passwords_are_masked(written: str, shown: str) -> None:
    assert mask(written) == shown
    assert mask(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",  # the last digit does not fit
        "order 1000000000000008",  # fits, but no issuer has it
        "call +49 151 2345678901234",
        "IMEI 356938035643809",
        "IBAN DE89 3704 0044 0532 0130 00",
        "my password is wrong",
        "How do I change my password?",
        "密码是多少",
        "password: see the card in your room",
        "Forgot password: what now?",
        "Password: ask at the front desk",
        "wifi password: printed the day you arrive",
        "PIN: lost!",
        "Passwort: steht auf der Karte",
        "contraseña: ¿dónde está?",
        "Пароль: забыл, что делать?",
        "密码：忘记了怎么办",
        "Is the PIN 4-digit, or is a password 12 characters long?",
        "my password is 8 characters",
        "parking for 2 people",
    ],
)
def test_everything_else_stays(text: str) -> None:
    assert mask(text) == text
