"""The web application: routes, who may use each, and one place where errors become sentences."""

import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from console.account import AccountPages
from console.api import Api
from console.bench import AsMessages, BenchPages
from console.careful import CarefulPages
from console.chat import ChatPages
from console.completions import Completions
from console.contradictions import ContradictionPages
from console.conversations import ConversationPages, Talks
from console.documents import DocumentPages
from console.error_pages import ErrorPages
from console.figures import FigurePages
from console.form import Endpoint
from console.keys import DOCS, RIGHT_OF, KeyGuard, ProgramPages
from console.knowledge import Editing, KnowledgePages
from console.login import LoginPages
from console.mishaps import MishapPages, Watched
from console.once import Once
from console.openapi import Operation, openapi
from console.operator import OperatorPages, Records
from console.pages import STATIC, Pages
from console.people import AuditPages, PeoplePages
from console.question_map import MapPages
from console.questions import QuestionPages
from console.security import LOOPBACK_HOSTS, CookieSigner
from console.security_guard import Guard, NotAllowed
from console.security_logins import Logins, TooManyFailures, current_person
from console.security_middleware import SecurityMiddleware
from console.settings import Settings, SettingsPages
from console.upload_desk import UploadDesk
from console.uploads import UploadLimits, UploadPages
from console.v1 import ENTRY_BYTES, Workbench
from console.v1_conversations import ConversationOperations
from console.widget import Widget
from core.config import Config
from core.errors import ConversationErased
from core.health import Health
from core.hours import WorkingHours
from core.metrics import Metrics
from core.protocols import Embedder
from core.rights import Audience
from db.keys import Grant
from kb.answering.desk import Desk
from kb.releases.open_questions import OpenQuestions
from kb.review.trace import Tracer

_MAX_BODY_BYTES = 64 * 1024


def build_console(
    config: Config,
    *,
    desk: Desk,
    records: Records,
    editing: Editing,
    uploads: UploadDesk,
    questions: OpenQuestions,
    topics: Callable[[], Talks | None],
    watched: Watched,
    tracer: Tracer,
    embedder: Embedder,
    settings: Settings,
    as_messages: AsMessages,
    health: Callable[[], Awaitable[Health]],
    metrics: Metrics,
    examples: Callable[[str], Awaitable[Sequence[str]]],
    secret: bytes,
    tell: Callable[[str], Awaitable[None]],
    password: str = "",
    hosts: Sequence[str] = LOOPBACK_HOSTS,
) -> SecurityMiddleware:
    """Assemble the web application.

    Args:
        topics: returns what writes to customers in Telegram, while that is served.
        health: called for every /health and page.
        examples: returns the questions that the empty try-it page offers in a language.
        secret: signs cookies; another one starts every browser's conversation anew.
        tell: tells the team that a visitor left a message.
        password: the owner's way in; empty: this machine alone is served, and needs no login.
        hosts: names under which a service without a password may be opened. With one any name is
            accepted, since a login is bound to its name.
    """
    signer = CookieSigner(secret)
    logins = Logins(password, records.accounts, signer)
    guard, once = Guard(logins, records.audit, KeyGuard(records.keys)), Once()
    shop, welcome, origins = config.company.name, config.company.welcome, config.widget.origins
    zone = config.telegram.timezone
    pages = Pages(shop=shop, welcome=welcome, allows=guard.allows, timezone=zone)
    chat = ChatPages(
        desk=desk,
        verdicts=records.conversations,
        pages=pages,
        signer=signer,
        health=health,
        examples=examples,
    )
    api = Api(
        desk=desk,
        conversations=records.conversations,
        secret=secret,
        tell_health=health,
        figures=metrics,
        mishaps=watched.counts,
        detailed_health=guard.knows,
    )
    operator = OperatorPages(
        pages=pages, records=records, health=health, jobs=watched.jobs, due=watched.due
    )
    people = PeoplePages(pages=pages, records=records, asked_for=logins.required)
    audits = AuditPages(pages=pages, audit=records.audit)
    account = AccountPages(pages=pages, shop=shop, records=records, logins=logins)
    login = LoginPages(pages=pages, logins=logins, records=records, leads_to=guard.leads_to)
    knowledge = KnowledgePages(
        pages=pages,
        editing=editing,
        questions=questions,
        desk=uploads,
        records=records,
        spoken=config.company.languages,
    )
    documents = DocumentPages(pages=pages, desk=uploads, records=records)
    pairs = ContradictionPages(pages=pages, desk=uploads, entries=editing.entries)
    limits = UploadLimits(config.knowledge.max_file_mb * 2**20)
    inbox = QuestionPages(pages=pages, questions=questions, desk=uploads)
    bench = BenchPages(
        pages=pages, tracer=tracer, as_messages=as_messages, releases=records.releases
    )
    mapped = MapPages(pages=pages, records=records, embedder=embedder, spawn=uploads.spawn)
    figures = FigurePages(
        pages=pages,
        records=records,
        entries=editing.entries,
        group_of=mapped.group_of,
        spawn=uploads.spawn,
    )
    talk = ConversationPages(pages=pages, records=records, entries=editing.entries, telegram=topics)
    careful = CarefulPages(
        pages=pages,
        records=records,
        entries=editing.entries,
        answer_at=config.answers.answer_at,
    )
    settled = SettingsPages(pages=pages, settings=settings)
    mishaps = MishapPages(pages=pages, watched=watched)
    files = UploadPages(pages=pages, desk=uploads, records=records, telegram=topics, limits=limits)

    def route(
        path: str,
        endpoint: Endpoint,
        audience: Audience,
        method: str = "GET",
        *,
        max_body_bytes: int = _MAX_BODY_BYTES,
        grant: Grant | None = None,
    ) -> Route:
        if method == "POST" and path.startswith("/console/"):
            endpoint = guard.recorded(path, endpoint)
        if method == "POST" and path.startswith(("/console/", "/login/", "/invitation")):
            endpoint = once.over(endpoint)
        guarded = guard.over(path, endpoint, audience, method, grant=grant)
        return Route(path, guarded, methods=[method], max_body_size=max_body_bytes)

    def entry_route(path: str, endpoint: Endpoint, audience: Audience) -> Route:
        return route(path, endpoint, audience, "POST", max_body_bytes=ENTRY_BYTES)

    async def written(request: Request) -> None:
        what = f"{request.method} {request.url.path}"
        await records.audit.record(0, "api", what, person=current_person.get().name)

    def for_programs(one: Operation) -> Route:
        guarded = guard.over(
            one.path, one.endpoint(written), RIGHT_OF[one.grant], one.method, grant=one.grant
        )
        return Route(one.path, guarded, methods=[one.method], max_body_size=one.max_body_bytes)

    asked = ConversationOperations(records=records)
    workbench = Workbench(records=records, editing=editing, uploads=uploads, questions=questions)
    operations = [
        Operation("POST", "/api/v1/ask", "ask", api.ask),
        Operation("POST", "/api/v1/feedback", "ask", api.rate),
        Operation("DELETE", "/api/conversations/{name}", "ask", api.forget),
        *asked.operations(),
        *workbench.operations(),
        *Completions(desk).operations(),
    ]
    program_pages = ProgramPages(
        pages=pages, records=records, document=openapi(operations, title=shop)
    )
    widget = Widget(
        desk=desk,
        conversations=records.conversations,
        handovers=records.handovers,
        hours=WorkingHours.parse(config.telegram.hours, zone),
        shop=shop,
        welcome=welcome,
        language=config.company.languages[0],
        secret=secret,
        per_minute=config.widget.per_minute,
        tell=tell,
    )
    of_widget = [
        route("/widget.js", widget.script, "anyone"),
        route("/widget/texts", widget.texts, "anyone"),
        route("/widget/ask", widget.ask, "anyone", "POST"),
        route("/widget/feedback", widget.rate, "anyone", "POST"),
        route("/widget/person", widget.person, "anyone", "POST"),
        route("/widget/messages", widget.messages, "anyone", "POST"),
        route("/widget/forget", widget.forget, "anyone", "POST"),
    ]
    errors = ErrorPages(pages)
    application = Starlette(
        routes=[
            route("/", chat.show, "see"),
            route("/ask", chat.ask, "see", "POST"),
            route("/feedback", chat.rate, "see", "POST"),
            route("/new", chat.start_again, "see", "POST"),
            route("/forget", chat.forget, "see", "POST"),
            *map(for_programs, operations),
            for_programs(Operation("POST", "/api/ask", "ask", api.ask)),
            route("/api/v1/openapi.json", program_pages.openapi, "see", grant="ask"),
            route(DOCS, program_pages.described, "see", grant="ask"),
            route("/metrics", api.metrics, "see"),
            route("/health", api.health, "anyone"),
            route("/console", operator.show, "see"),
            route("/console/knowledge", knowledge.show, "see"),
            route("/console/entry", knowledge.one, "see"),
            entry_route("/console/entries/add", knowledge.add, "propose"),
            entry_route("/console/entries/change", knowledge.change, "publish"),
            entry_route("/console/entries/preview", knowledge.preview, "publish"),
            entry_route("/console/entries/draft", knowledge.draft, "publish"),
            route("/console/changes/undo", knowledge.take_back, "publish", "POST"),
            route("/console/contradictions", pairs.show, "see"),
            route("/console/contradictions/begin", pairs.begin, "publish", "POST"),
            route("/console/contradictions/stop", pairs.stop, "publish", "POST"),
            route("/console/contradictions/leave", pairs.leave, "publish", "POST"),
            route("/console/contradictions/merge", pairs.merge, "publish", "POST"),
            route("/console/release", knowledge.release, "see"),
            route("/console/releases/rollback", knowledge.roll_back, "publish", "POST"),
            route("/console/document", documents.show, "see"),
            route("/console/documents/delete", documents.delete, "publish", "POST"),
            route("/console/uploads", files.show, "see"),
            route(
                "/console/uploads",
                files.take,
                "publish",
                "POST",
                max_body_bytes=sys.maxsize,  # it looks itself, to say it in a sentence
            ),
            route("/console/upload", files.one, "see"),
            route("/console/uploads/columns", files.columns, "publish", "POST"),
            route("/console/uploads/apply", files.step(uploads.apply), "publish", "POST"),
            route(
                "/console/uploads/anyway",
                files.step(partial(uploads.apply, anyway=True)),
                "publish",
                "POST",
            ),
            route("/console/uploads/discard", files.step(uploads.discard), "publish", "POST"),
            route("/console/uploads/undo", files.step(uploads.undo), "publish", "POST"),
            route("/console/uploads/tell", files.tell, "talk", "POST"),
            entry_route("/console/uploads/entry", files.change, "propose"),
            route("/console/uploads/entry/discard", files.discard_entry, "propose", "POST"),
            route("/console/uploads/confirm", files.step(uploads.confirm), "publish", "POST"),
            route("/console/questions", inbox.show, "see"),
            route("/console/questions/dismissed", inbox.set_aside, "see"),
            route("/console/question", inbox.one, "see"),
            entry_route("/console/questions/answer", inbox.answer, "propose"),
            route("/console/questions/link", inbox.link, "publish", "POST"),
            route("/console/questions/dismiss", inbox.dismiss, "propose", "POST"),
            route("/console/questions/reopen", inbox.reopen, "propose", "POST"),
            route("/console/questions/merge", inbox.merge, "propose", "POST"),
            route("/console/questions/separate", inbox.separate, "propose", "POST"),
            route("/console/bench", bench.show, "see"),
            entry_route("/console/bench", bench.ask, "see"),
            route("/console/bench/golden", bench.keep, "publish", "POST"),
            route("/console/figures", figures.show, "see"),
            route("/console/figures.csv", figures.export, "see"),
            route("/console/figures/map", mapped.show, "see"),
            route("/console/answers", figures.answers, "see"),
            route("/console/conversations", figures.conversations, "see"),
            route("/console/conversation", talk.show, "see"),
            route("/console/conversation/take", talk.take, "talk", "POST"),
            route("/console/conversation/give-back", talk.give_back, "talk", "POST"),
            route("/console/conversation/reply", talk.reply, "talk", "POST"),
            route("/console/conversation/assign", talk.assign, "talk", "POST"),
            route("/console/conversation/note", talk.note, "talk", "POST"),
            route("/console/conversation/draft", talk.send_draft, "talk", "POST"),
            route("/console/conversation/discard", talk.discard_draft, "talk", "POST"),
            route("/console/correct", talk.correct, "see"),
            route("/console/careful", careful.show, "see"),
            route("/console/careful", careful.set, "publish", "POST"),
            route("/console/mishaps", mishaps.show, "see"),
            route("/console/mishaps/handle-again", mishaps.handle_again, "talk", "POST"),
            route("/console/mishaps/send-again", mishaps.send_again, "talk", "POST"),
            route("/console/mishaps/drop-letter", mishaps.drop_letter, "talk", "POST"),
            route("/console/mishaps/drop-send", mishaps.drop_send, "talk", "POST"),
            route("/console/accept", mishaps.accept, "publish", "POST"),
            route("/console/run", mishaps.run, "publish", "POST"),
            route("/console/programs", program_pages.show, "manage"),
            route("/console/keys/add", program_pages.add, "manage", "POST"),
            route("/console/keys/revoke", program_pages.revoke, "manage", "POST"),
            route("/console/account", account.show, "see"),
            route("/console/account/language", account.choose_language, "see", "POST"),
            route("/console/account/password", account.change_password, "see", "POST"),
            route("/console/account/end", account.end, "see", "POST"),
            route("/console/account/end-all", account.end_all, "see", "POST"),
            route("/console/account/app", account.app, "see", "POST"),
            route("/console/account/app/confirm", account.confirm_app, "see", "POST"),
            route("/console/account/app/remove", account.remove_app, "see", "POST"),
            route("/console/account/link", account.link, "see", "POST"),
            route("/console/account/unlink", account.unlink, "see", "POST"),
            route("/console/people", people.show, "manage"),
            route("/console/people/invite", people.invite, "manage", "POST"),
            route("/console/people/link", people.new_link, "manage", "POST"),
            route("/console/people/role", people.set_role, "manage", "POST"),
            route("/console/people/log-out", people.log_out, "manage", "POST"),
            route("/console/people/remove", people.remove, "manage", "POST"),
            route("/console/settings", settled.show, "manage"),
            route("/console/settings", settled.change, "manage", "POST"),
            route("/console/restart", settled.restart, "manage", "POST"),
            route("/console/audit", audits.show, "manage"),
            route("/console/audit.csv", audits.export, "manage"),
            route("/login", login.form, "anyone"),
            route("/login", login.log_in, "anyone", "POST"),
            route("/login/code", login.code, "anyone", "POST"),
            route("/logout", login.log_out, "anyone", "POST"),
            route("/invitation", login.invitation, "anyone"),
            route("/invitation", login.accept, "anyone", "POST"),
            *(of_widget if origins else ()),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        exception_handlers={
            HTTPException: errors.known,
            NotAllowed: errors.not_allowed,
            TooManyFailures: errors.too_many,
            ConversationErased: errors.erased,
            Exception: errors.unknown,
        },
        max_body_size=_MAX_BODY_BYTES,
    )
    # Outside of the application, so that its error pages too get their headers and are counted.
    return SecurityMiddleware(
        application,
        hosts=None if logins.required else tuple(hosts),
        metrics=metrics,
        refuse=errors.refuse,
        origins=origins,
    )
