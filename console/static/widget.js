// The chat on a company's own website: <script src="https://HOST/widget.js" async></script>.
// Everything lives in a shadow tree with a constructed style sheet, so that a host page's content
// security policy needs script-src and connect-src for HOST and nothing else. No cookie; what was
// said is kept in localStorage from the first question on. docs/widget.md lists the data-* settings.
"use strict";
(async () => {
  const script = document.currentScript;
  const base = new URL(".", script.src);
  const settings = script.dataset;
  const languages = [settings.language, document.documentElement.lang, ...navigator.languages]
    .filter(Boolean).slice(0, 8).join(",");
  const KEY = `answerdesk ${base.href}`;
  const KEPT = 40;
  const LOOK_MS = 5000;

  const known = await call(`widget/texts?languages=${encodeURIComponent(languages)}`)
    .then((response) => (response.ok ? response.json() : null), () => null);
  if (!known) return; // switched off, or not for this website
  const t = known.texts;

  let state = load(); // {session, seen, called, turns: [{question, answer | said | team}]}
  let busy = false;
  let looking = 0;

  // --- the tree ------------------------------------------------------------------------------

  const host = document.createElement("answerdesk-widget");
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(styles());
  root.adoptedStyleSheets = [sheet];

  const log = make("div", { class: "log", role: "log", "aria-label": t.conversation, tabindex: "0" });
  const field = make("textarea", {
    rows: "1", maxlength: "20000", placeholder: t.placeholder, "aria-label": t.your_question,
    autocomplete: "off", enterkeyhint: "send",
  });
  const send = make("button", { class: "send", "aria-label": t.send }, icon("M12 19V5m0 0-6 6m6-6 6 6"));
  const composer = make("form", { class: "composer" }, field, send);
  const notice = make("p", { class: "notice", role: "status" });
  const again = make("button", { class: "quiet", type: "button" }, t.new_chat);
  const erase = make("button", { class: "quiet", type: "button" }, t.erase_chat);
  const close = make("button", { class: "close", type: "button", "aria-label": t.close_chat }, icon("M6 6l12 12M18 6 6 18"));
  const panel = make("dialog", { "aria-labelledby": "title", lang: known.language },
    make("header", {}, make("h2", { id: "title" }, settings.title || t.title), again, erase, close),
    log, notice, composer);
  const bubble = make("button", { class: "bubble", type: "button", lang: known.language, "aria-haspopup": "dialog", "aria-expanded": "false", "aria-label": t.open_chat },
    icon("M5 5h14a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2h-6l-5 4v-4H5a2 2 0 0 1-2-2V7a2 2 0 0 1 2-2z"));
  root.append(bubble, panel);
  if (settings.side === "left") host.classList.add("left");
  paint();
  if (document.body) document.body.append(host);
  else addEventListener("DOMContentLoaded", () => document.body.append(host));
  look();
  document.addEventListener("visibilitychange", look);

  bubble.addEventListener("click", () => (panel.open ? panel.close() : open()));
  close.addEventListener("click", () => panel.close());
  panel.addEventListener("close", () => {
    bubble.setAttribute("aria-expanded", "false");
    bubble.focus();
  });
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { event.preventDefault(); panel.close(); }
  });
  composer.addEventListener("submit", (event) => { event.preventDefault(); ask(field.value); });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      ask(field.value);
    }
  });
  again.addEventListener("click", startAgain);
  erase.addEventListener("click", async () => {
    if (busy || !confirm(t.erase_sure)) return;
    try {
      const response = await post("widget/forget", { session: state.session });
      if (!response.ok) throw new Error((await response.json()).error);
      startAgain();
      notice.textContent = t.forgotten;
    } catch (error) {
      notice.textContent = troubleOf(error);
    }
  });

  function startAgain() {
    state = blank();
    try { localStorage.removeItem(KEY); } catch { /* storage is blocked */ }
    notice.textContent = "";
    paint();
    field.focus();
  }

  function open() {
    // On a phone it covers the page, so nothing beneath it may be reached.
    if (matchMedia("(max-width: 480px)").matches) panel.showModal();
    else panel.show();
    bubble.setAttribute("aria-expanded", "true");
    bubble.setAttribute("aria-label", t.open_chat);
    bubble.classList.remove("news");
    log.scrollTop = log.scrollHeight;
    field.focus();
    look();
  }

  // What the team writes comes on its own; the page asks while it is seen and the chat is open, and
  // less often while a person was called.
  async function look() {
    clearTimeout(looking);
    if (!state.session || document.hidden || !(panel.open || state.called)) return;
    const session = state.session;
    try {
      const response = await post("widget/messages", { session, after: state.seen || 0 });
      const { messages = [] } = response.ok ? await response.json() : {};
      if (session === state.session) receive(messages.filter((one) => one.id > (state.seen || 0)));
    } catch { /* the next look may go better */ }
    clearTimeout(looking);
    looking = setTimeout(look, panel.open ? LOOK_MS : 5 * LOOK_MS);
  }

  function receive(messages) {
    if (!messages.length) return;
    for (const { id, text, team } of messages) {
      state.seen = id;
      state.called = true;
      const turn = { question: "", said: text, team };
      keep(turn, state.session);
      log.append(saidOf(turn));
    }
    log.scrollTop = log.scrollHeight;
    if (panel.open) return;
    bubble.classList.add("news");
    bubble.setAttribute("aria-label", t.new_message);
  }

  // --- what was said -------------------------------------------------------------------------

  function paint() {
    log.replaceChildren(make("p", { class: "text" }, t.greeting),
      make("p", {}, personButton()));
    for (const turn of state.turns) {
      if (turn.question) log.append(questionOf(turn.question));
      if (turn.answer || turn.said) log.append(turn.answer ? answerOf(turn) : saidOf(turn));
    }
    again.hidden = erase.hidden = !state.turns.length;
  }

  async function ask(text, picked = "") {
    const question = text.trim();
    if (!question || busy) return;
    setBusy(true);
    notice.textContent = "";
    const asked = questionOf(question);
    const wait = make("p", { class: "wait" }, t.looking_up);
    const written = make("p", { class: "text" });
    log.append(asked, written, wait);
    log.scrollTop = log.scrollHeight;
    if (field.value.trim() === question) field.value = "";
    let ended = false;
    // At the answer, not at the end of the stream: from then on it can be replied to.
    const end = () => { ended = true; setBusy(false); field.focus(); };
    try {
      const response = await post("widget/ask", { question, picked, session: state.session });
      if (!response.ok) throw new Error((await response.json()).error);
      for await (const { name, data } of eventsOf(response.body)) {
        if (name === "sentence") written.textContent += `${written.textContent ? " " : ""}${data.text}`;
        else if (name === "waiting") wait.textContent = t.queue.replace("#", data.seconds);
        else if (name === "trouble") throw new Error(data.text);
        else if (name === "erased") {
          // In another window, which may have begun a new chat since.
          const kept = load();
          if (kept.session === state.session) startAgain();
          else { state = kept; paint(); }
          notice.textContent = data.text;
          end();
        }
        else if (name === "held") {
          keep({ question }, data.session);
          written.remove();
          wait.remove();
          end();
          look();
        } else if (name === "answer") {
          const { session, ...answer } = data;
          const turn = { question, answer };
          state.called ||= answer.called;
          keep(turn, session);
          written.replaceWith(answerOf(turn));
          wait.remove();
          log.scrollTop = asked.offsetTop - 16;
          end();
          if (answer.called) look();
        }
      }
      if (!ended) throw new Error(t.connection_lost);
    } catch (error) {
      if (ended) return;
      for (const element of [asked, written, wait]) element.remove();
      field.value ||= question;
      notice.textContent = troubleOf(error);
      end();
    }
  }

  function questionOf(text) {
    return make("p", { class: "question" }, make("span", { class: "for-readers" }, `${t.you_asked} `), text);
  }

  function saidOf({ said, team }) {
    return make("p", { class: team ? "text team" : "text" }, team ? make("span", { class: "badge" }, t.team) : "", said);
  }

  function answerOf(turn) {
    const { answer } = turn;
    const article = make("article", {});
    if (answer.badge) article.append(make("p", { class: "badge" }, answer.badge));
    const text = make("div", { class: "text", lang: answer.language });
    for (const paragraph of answer.lines) {
      const p = make("p", {});
      paragraph.forEach((line, number) => {
        if (number) p.append(make("br", {}));
        for (const [words, isLink] of line) {
          p.append(isLink && /^https?:/i.test(words)
            ? make("a", { href: words, target: "_blank", rel: "noopener noreferrer nofollow" }, words)
            : words);
        }
      });
      text.append(p);
    }
    article.append(text);
    if (answer.sources.length) article.append(sourcesOf(answer.sources));
    if (answer.choices.length && !turn.closed) article.append(choicesOf(turn, article));
    if (answer.rateable && answer.answer) article.append(ratingOf(turn));
    if (answer.person) article.append(personButton(turn.question));
    return article;
  }

  function sourcesOf(sources) {
    const list = make("ul", {});
    for (const source of sources) {
      const place = [source.place, source.updated && `${t.as_of} ${source.updated}`].filter(Boolean).join(" · ");
      list.append(make("li", {}, make("strong", {}, source.title),
        source.quote ? make("blockquote", {}, source.quote) : "", place ? make("small", {}, place) : ""));
    }
    const summary = sources.length > 1 ? `${t.sources}: ${sources.length}` : `${t.source}: ${sources[0].title}`;
    return make("details", {}, make("summary", {}, summary), list);
  }

  function choicesOf(turn, article) {
    const group = make("div", { class: "choices" });
    for (const choice of turn.answer.choices) {
      group.append(button(choice, () => {
        if (busy) return;
        turn.closed = true;
        save();
        ask(choice, turn.answer.answer);
        group.remove();
      }));
    }
    group.append(button(t.none_of_these, () => {
      turn.closed = true;
      save();
      group.remove();
      rate(turn, { helpful: false, reason: "not_my_question" });
      const said = make("p", { class: "text", tabindex: "-1" }, t.say_otherwise);
      article.append(said);
      said.focus();
    }));
    return group;
  }

  function ratingOf(turn) {
    const box = make("div", { class: "rating", role: "group", "aria-label": t.helpful, tabindex: "-1" });
    const thank = () => { box.replaceChildren(make("span", {}, t.feedback_thanks)); };
    if (turn.rated) { thank(); return box; }
    const finish = (verdict) => {
      turn.rated = true;
      save();
      rate(turn, verdict);
      thank();
      box.focus();
    };
    const up = button(t.yes, () => finish({ helpful: true }));
    const down = button(t.no, () => {
      rate(turn, { helpful: false });
      turn.rated = true;
      save();
      const reasons = ["wrong", "incomplete", "outdated", "not_my_question"].map((reason) =>
        button(t[`why_${reason}`], () => finish({ helpful: false, reason })));
      box.setAttribute("aria-label", t.what_was_wrong);
      box.replaceChildren(make("span", { class: "why" }, t.what_was_wrong), ...reasons);
      reveal(box);
      reasons[0].focus();
    });
    box.append(make("span", {}, t.helpful), up, down);
    return box;
  }

  function rate(turn, verdict) {
    post("widget/feedback", { answer: turn.answer.answer, ...verdict }).catch(() => {
      notice.textContent = t.connection_lost;
    });
  }

  function personButton(question = "") {
    const opener = button(t.talk_to_person, () => {
      const form = personForm(question, opener);
      opener.replaceWith(form);
      reveal(form);
      form.querySelector("textarea").focus();
    });
    return opener;
  }

  function personForm(question, opener) {
    const message = make("textarea", { rows: "3", maxlength: "2000", required: "" });
    message.value = question;
    const contact = make("input", { maxlength: "200", autocomplete: "email" });
    contact.required = known.away;
    const wrong = make("p", { class: "notice", role: "alert" });
    const cancel = button(t.cancel, () => { form.replaceWith(opener); opener.focus(); });
    const form = make("form", { class: "person" }, 
      make("p", {}, known.away ? t.leave_contact : t.call_person), make("label", {}, t.your_message, message),
      make("label", {}, known.away ? t.your_contact : t.contact_optional, contact), wrong,
      make("p", { class: "row" }, make("button", { class: "primary" }, t.send), cancel));
    let sending = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (sending) return;
      sending = true;
      try {
        const response = await post("widget/person",
          { message: message.value, contact: contact.value, session: state.session });
        const body = await response.json();
        if (!response.ok) throw new Error(body.error);
        const turn = { question: message.value, said: body.text };
        state.called = true;
        keep(turn, body.session);
        log.append(questionOf(turn.question), saidOf(turn));
        form.replaceWith(opener);
        log.scrollTop = log.scrollHeight;
        field.focus();
        look();
      } catch (error) {
        wrong.textContent = troubleOf(error);
        reveal(form);
        contact.focus();
        sending = false;
      }
    });
    return form;
  }

  // --- the service, and what this browser keeps ----------------------------------------------

  function call(path, options) {
    return fetch(new URL(path, base), { credentials: "omit", referrerPolicy: "no-referrer", ...options });
  }

  function post(path, body) {
    return call(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ languages: languages.slice(0, 100), ...body }),
    });
  }

  async function* eventsOf(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let buffer = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      buffer += value;
      const blocks = buffer.split("\n\n");
      buffer = blocks.pop();
      for (const block of blocks) {
        const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(block) || [];
        if (name) yield { name, data: JSON.parse(data) };
      }
    }
  }

  function load() {
    try {
      const kept = JSON.parse(localStorage.getItem(KEY));
      if (kept && Array.isArray(kept.turns)) return kept;
    } catch { /* storage is blocked, or holds something else */ }
    return blank();
  }

  function blank() {
    return { session: "", seen: 0, called: false, turns: [] };
  }

  function keep(turn, session) {
    state.session = session;
    state.turns = [...state.turns, turn].slice(-KEPT);
    again.hidden = erase.hidden = false;
    save();
  }

  function save() {
    try { localStorage.setItem(KEY, JSON.stringify(state)); } catch { /* it lasts until the page goes */ }
  }

  // --- small helpers -------------------------------------------------------------------------

  // scrollIntoView would scroll whatever is around the log as well.
  function reveal(element) {
    log.scrollTop = Math.max(log.scrollTop, element.offsetTop + element.offsetHeight + 16 - log.clientHeight);
  }

  function troubleOf(error) {
    return error instanceof TypeError ? t.connection_lost : error.message || t.connection_lost;
  }

  function setBusy(now) {
    busy = now;
    send.disabled = now;
  }

  function make(name, attributes, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }

  function button(label, onClick) {
    const element = make("button", { type: "button" }, label);
    element.addEventListener("click", onClick);
    return element;
  }

  function icon(path) {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    const line = document.createElementNS(space, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    line.setAttribute("d", path);
    svg.append(line);
    return svg;
  }

  function styles() {
    return `
:host { all: initial; color-scheme: light dark;
  --paper: #fff; --sunken: #f3f1ec; --ink: #1d1c1a; --muted: #5f5b54; --line: #8a857b; --hair: #e2ded6;
  --accent: #0f6b5c; --on-accent: #fff; --tint: #e4f0ed; --warn: #8a4b08;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "PingFang SC", "Microsoft YaHei", sans-serif;
  color: var(--ink) }
@media (prefers-color-scheme: dark) { :host {
  --paper: #1e1e1c; --sunken: #2a2a27; --ink: #eceae5; --muted: #b3afa6; --line: #87837a; --hair: #3a3933;
  --accent: #6cc9b7; --on-accent: #0c201c; --tint: #1d302c; --warn: #f0b46a } }
*, ::before, ::after { box-sizing: border-box }
[hidden] { display: none !important }
button, textarea, input { font: inherit; color: inherit }
button, summary { min-height: 44px; min-width: 44px; cursor: pointer }
button { padding: 8px 14px; border: 1px solid var(--line); border-radius: 12px; background: var(--paper); text-align: start }
button:hover { background: var(--tint) }
button:disabled { opacity: .5; cursor: default }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
svg { display: block; width: 24px; height: 24px; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round }
.for-readers { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
.bubble { position: fixed; z-index: 2147483646; inset-block-end: 20px; inset-inline-end: 20px; width: 60px; height: 60px; display: grid; place-items: center; padding: 0;
  border: 0; border-radius: 50%; background: var(--accent); color: var(--on-accent); box-shadow: 0 4px 16px #0005 }
.bubble:hover { background: var(--accent); filter: brightness(1.1) }
.bubble svg { width: 28px; height: 28px }
dialog { position: fixed; z-index: 2147483647; inset: auto 20px 92px auto; margin: 0; padding: 0; width: 390px; max-width: calc(100vw - 40px);
  height: min(640px, calc(100dvh - 112px)); max-height: none; border: 1px solid var(--hair); border-radius: 18px; overflow: clip;
  background: var(--paper); color: var(--ink); box-shadow: 0 8px 40px #0004 }
dialog[open] { display: flex; flex-direction: column }
:host(.left) .bubble { inset-inline: 20px auto }
:host(.left) dialog { inset-inline: 20px auto }
header { display: flex; align-items: center; gap: 4px; padding: 8px 8px 8px 16px; border-bottom: 1px solid var(--hair) }
h2 { flex: 1; margin: 0; font-size: 17px; font-weight: 600; overflow-wrap: anywhere }
.quiet, .close { border: 0; background: none; color: var(--muted); font-size: 14px }
.close { display: grid; place-items: center; padding: 0 }
.log { position: relative; flex: 1; min-height: 0; overflow-y: auto; padding: 16px; overflow-wrap: anywhere; overscroll-behavior: contain }
.log:focus-visible { outline-offset: -3px }
.text, .text p { margin: 0 0 10px }
.question { width: fit-content; max-width: 85%; margin: 20px 0 12px auto; padding: 8px 14px; border-radius: 14px 14px 4px 14px; background: var(--tint); white-space: pre-line }
.team { white-space: pre-line; padding: 8px 14px; border-radius: 14px 14px 14px 4px; background: var(--sunken) }
.team .badge { display: block }
.news::after { content: ""; position: absolute; inset-block-start: 2px; inset-inline-end: 2px; width: 16px; height: 16px; border: 2px solid var(--paper); border-radius: 50%; background: #c0392b }
.badge { margin: 0 0 4px; color: var(--accent); font-size: 13px; font-weight: 600 }
.wait, .rating span, small { color: var(--muted); font-size: 14px }
a { color: var(--accent) }
summary { display: flex; align-items: center; padding-block: 8px; color: var(--muted); font-size: 14px }
summary::before { content: "▸"; margin-inline-end: 8px }
details[open] summary::before { content: "▾" }
ul { margin: 0 0 10px; padding: 0; list-style: none; font-size: 14px }
li { padding: 8px 12px; margin-bottom: 6px; border-radius: 10px; background: var(--sunken) }
blockquote { margin: 4px 0; white-space: pre-line }
.choices { display: grid; gap: 8px; margin: 4px 0 12px }
.rating { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; margin: 0 0 10px }
.rating .why { flex-basis: 100% }
.person { display: grid; gap: 10px; padding: 12px; border: 1px solid var(--hair); border-radius: 14px }
.person p { margin: 0 }
label { display: grid; gap: 4px; font-size: 14px }
textarea, input { width: 100%; font-size: 16px; min-height: 44px; padding: 9px 12px; border: 1px solid var(--line); border-radius: 12px; background: var(--paper); resize: none; field-sizing: content; max-height: 140px }
::placeholder { color: var(--muted); opacity: 1 }
.row { display: flex; gap: 8px }
.primary, .send { border-color: var(--accent); background: var(--accent); color: var(--on-accent) }
.primary:hover, .send:hover { background: var(--accent); filter: brightness(1.1) }
.composer { display: flex; gap: 8px; padding: 12px; border-top: 1px solid var(--hair) }
.send { flex: none; display: grid; place-items: center; width: 44px; padding: 0 }
.notice { margin: 0; color: var(--warn); font-size: 14px }
:not(form) > .notice:not(:empty) { padding: 8px 16px }
@media (max-width: 480px) {
  dialog { inset: 0 !important; width: 100%; max-width: none; height: 100dvh; border: 0; border-radius: 0 }
}`;
  }
})();
