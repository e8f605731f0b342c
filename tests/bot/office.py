"""A team with a group, and a customer."""

from dataclasses import dataclass

from bot.telegram_app import TelegramBot
from tests.botapi import BotApi, Person, Received


@dataclass
class Office:
    """A team with a group, and a customer."""

    bot: TelegramBot
    telegram: BotApi
    group: int
    agent: Person
    ana: Person

    async def called(self) -> Received:
        """Let the customer call a person; return the card in the topic."""
        self.ana.say("/human it is broken")
        assert (await self.ana.next()).text.startswith("I have passed this on")
        return await self.agent.next(chat=self.group)

    async def taken(self) -> Received:
        """Let the agent take over; return the card."""
        card = await self.called()
        self.agent.press(card, "Take over")
        assert (await self.ana.next()).text == "You are talking to a person now."
        return card


async def become_owner(bot: TelegramBot, person: Person) -> None:
    code = await bot.operators.new_code("owner")
    person.say(f"/operator {code}")
    assert "Your role is owner" in (await person.next()).text
