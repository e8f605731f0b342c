"""Who belongs to the team: codes, roles, the team's group. For operators."""

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass

from telegram import CallbackQuery, Update
from telegram.constants import ChatMemberStatus
from telegram.error import TelegramError

from bot.conversation.menus import Menus
from bot.conversation.replies import Button
from bot.conversation.service import CustomerService
from bot.transport.incoming import Incoming
from bot.transport.router import Command, Press, Routes
from core.rights import ROLES
from core.wording import N_, ntr, tr
from db.operators import Audit, Operator

_MAY = {
    "viewer": N_("read what customers asked"),
    "agent": N_("talk to customers"),
    "editor": N_("talk to customers and change the knowledge"),
    "owner": N_("do everything"),
}


@dataclass(frozen=True)
class TeamDesk:
    """Handles what concerns the team itself."""

    service: CustomerService
    audit: Audit
    _: KW_ONLY
    on_group: Callable[[], None]
    """Called when the team has got a group."""
    menus: Menus

    @property
    def routes(self) -> Routes:
        """What concerns the team itself."""
        return (
            Command("operator", "anyone", self.operator),
            Command("team", "see", self.show_team),
            Command("invite", "manage", self.invite),
            Command("here", "manage", self.here, anywhere=True),
            Press("rm", "manage", self.remove),
        )

    async def operator(self, incoming: Incoming, argument: str) -> None:
        """Make somebody an operator who has a code; the message with it is deleted."""
        role = await self.service.operators.redeem(
            argument, user_id=incoming.user.id, name=incoming.user.full_name
        )
        await self.service.sender.delete(incoming.chat_id, incoming.message.message_id)
        if role is None:
            await self.service.reply(
                incoming,
                tr(
                    "This code is wrong, already used, or older than an hour. Ask an owner for "
                    "a new one (/invite), or start the program again if there is no owner yet."
                ),
            )
            return
        await self.audit.record(incoming.user.id, f"became {role}", incoming.user.full_name)
        text = tr(
            "Welcome. Your role is %(role)s: you may %(what)s. /team shows the team, "
            "/unanswered the questions I couldn't answer.",
            role=tr(role),
            what=tr(_MAY[role]),
        )
        if not await self.service.team.group():
            waiting = len(await self.service.handovers.open())
            if waiting:
                text += " " + ntr(
                    "%(num)s customer is waiting for a person: make a group with topics, add me as "
                    "an administrator who may manage topics, and write /here in it.",
                    "%(num)s customers are waiting for a person: make a group with topics, add me "
                    "as an administrator who may manage topics, and write /here in it.",
                    waiting,
                )
        await self.service.reply(incoming, text)
        await self.menus.set_team()

    async def invite(self, incoming: Incoming, argument: str) -> None:
        """Make a code for somebody who shall join."""
        role = argument.strip().lower() or "agent"
        if role not in ROLES:
            known = ", ".join(f"/invite {one}" for one in ROLES)
            await self.service.reply(incoming, tr("Write one of these: %(known)s.", known=known))
            return
        if not incoming.private:
            await self.service.reply(
                incoming, tr("Ask me in our private chat: a code is for one person only.")
            )
            return
        code = await self.service.operators.new_code(role, by=incoming.user.id)
        await self.service.reply(
            incoming,
            tr(
                "Pass this on to one person. It works once, within an hour, and makes them "
                "%(role)s:",
                role=tr(role),
            )
            + f"\n\n/operator {code}",
        )

    async def show_team(self, incoming: Incoming, _: str) -> None:
        """Show the team; owners may remove somebody."""
        members = await self.service.operators.list()
        mine = await self.service.operators.role_of(incoming.user.id)
        lines = [_member(m) for m in members]
        group = await self.service.team.group()
        lines.append("")
        lines.append(
            tr("Our group is set.")
            if group
            else tr("No group yet: add me to a forum, then /here there.")
        )
        buttons: list[list[Button]] = []
        if mine == "owner":
            buttons = _removal_buttons(members, but=incoming.user.id)
        await self.service.reply(incoming, "\n".join(lines), buttons=buttons)

    async def remove(self, query: CallbackQuery, _: Update, value: str) -> None:
        """Remove somebody from the team."""
        gone = value.isdigit() and await self.service.operators.remove(int(value))
        members = await self.service.operators.list()
        if gone:
            await self.menus.remove(int(value))
        await self.service.alert(
            query, tr("Removed.") if gone else tr("Not removed: unknown, or the last owner.")
        )
        if query.message:
            text = "\n".join(map(_member, members))
            await self.service.sender.edit(
                query.message.chat.id, query.message.message_id, {"text": text}
            )

    async def here(self, incoming: Incoming, _: str) -> None:
        """Make the forum in which this is written the team's group."""
        chat = incoming.message.chat
        if not chat.is_forum:
            await self.service.reply(
                incoming, tr("This is no forum. Switch topics on in the group's settings first.")
            )
            return
        if not await self._may_manage_topics(chat.id):
            await self.service.reply(
                incoming,
                tr("Make me an administrator who may manage topics, then write /here again."),
            )
            return
        await self.service.team.set_group(chat.id)
        await self.service.reply(
            incoming,
            tr("This is our group now. Each customer who needs a person gets a topic here."),
        )
        self.on_group()
        await self.menus.set_team()

    async def _may_manage_topics(self, chat_id: int) -> bool:
        bot = self.service.bot
        try:
            me = await bot.get_chat_member(chat_id, bot.id)
        except TelegramError:
            return False
        return me.status == ChatMemberStatus.ADMINISTRATOR and bool(
            getattr(me, "can_manage_topics", False)
        )


def _removal_buttons(members: Sequence[Operator], *, but: int) -> list[list[Button]]:
    return [
        [(tr("Remove %(name)s", name=m.name)[:48], f"rm:{m.user_id}")]
        for m in members
        if m.user_id != but
    ]


def _member(one: Operator) -> str:
    role = tr(one.role)
    return f"{one.name} · {role} · {one.user_id}"
