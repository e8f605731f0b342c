"""The table of everything the bot does, and for whom."""

from bot.customers import Customers
from bot.incoming import Incoming, Me, is_addressed
from bot.operators import TeamDesk
from bot.presses import Presses
from bot.router import Command, Content, Press, Routes


def routes(*, me: Me, customers: Customers, presses: Presses, team_desk: TeamDesk) -> Routes:
    """Return all routes; of the contents, the first that fits is taken."""

    async def is_question(incoming: Incoming) -> bool:
        return is_addressed(incoming, me)

    return Routes(
        commands=(
            Command("start", "anyone", customers.start),
            Command("help", "anyone", customers.help),
            Command("human", "anyone", customers.human),
            Command("language", "anyone", customers.language),
            Command("privacy", "anyone", customers.privacy),
            Command("operator", "anyone", team_desk.operator),
            Command("team", "agent", team_desk.team),
            Command("invite", "owner", team_desk.invite),
            Command("here", "owner", team_desk.here, anywhere=True),
        ),
        presses=(
            Press("src", "anyone", presses.source),
            Press("pick", "anyone", presses.choice),
            Press("fb", "anyone", presses.verdict),
            Press("why", "anyone", presses.reason),
            Press("human", "anyone", presses.human),
            Press("lang", "anyone", presses.language),
            Press("rm", "owner", team_desk.remove),
        ),
        contents=(
            Content("question", "anyone", is_question, customers.on_message, customers.on_edit),
        ),
    )
