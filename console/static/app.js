// Streams answers into the page. Without this file every form still works as a plain post.
"use strict";

const conversation = document.getElementById("conversation");
const field = document.getElementById("question");
const notice = document.getElementById("notice");
const still = matchMedia("(prefers-reduced-motion: reduce)");
let busy = false;

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !("ask" in form.dataset)) return;
  event.preventDefault();
  if (busy) return;
  const typed = form.contains(field);
  const question = (typed ? field.value : event.submitter?.value ?? "").trim();
  if (question) ask(question, { typed });
});

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !("thanks" in form.dataset)) return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form, event.submitter));
  const response = await fetch(form.action, { method: "POST", body, redirect: "manual" });
  if (response.type !== "opaqueredirect") return;
  const thanks = document.createElement("p");
  thanks.className = "rating";
  thanks.textContent = form.dataset.thanks;
  form.replaceWith(thanks);
});

field.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  field.form.requestSubmit();
});

async function ask(question, { typed }) {
  setBusy(true);
  say("");
  document.getElementById("welcome").hidden = true;
  document.getElementById("start-again").hidden = false;
  const asked = copyOf("question-template");
  asked.append(question);
  const pending = copyOf("pending-template");
  conversation.append(asked, pending);
  showFrom(asked);
  if (typed) field.value = "";
  try {
    const response = await fetch("/ask", {
      method: "POST",
      headers: { Accept: "text/event-stream" },
      body: new URLSearchParams({ question }),
    });
    if (!response.ok || !response.body) throw new Error(`status ${response.status}`);
    let ended = false;
    for await (const { name, data } of eventsOf(response.body)) {
      ended = show(name, data, pending) || ended;
    }
    if (!ended) throw new Error("the stream ended early");
  } catch {
    pending.remove();
    asked.remove();
    field.value = field.value || question;
    say(notice.dataset.lost);
  }
  setBusy(false);
  if (typed) field.focus({ preventScroll: true });
  showFrom(asked); // the page was too short for it while the answer was missing
}

function showFrom(element) {
  element.scrollIntoView({ behavior: still.matches ? "auto" : "smooth", block: "start" });
}

// Shows one event; returns whether it is the last.
function show(name, data, pending) {
  const text = pending.querySelector(".text");
  const wait = pending.querySelector(".wait-text");
  if (name === "sentence") {
    const gap = /(^|[。！？])$/.test(text.textContent) ? "" : " ";
    text.textContent += gap + data.text;
    wait.textContent = wait.dataset.next;
  } else if (name === "waiting") {
    wait.textContent = wait.dataset.queue.replace("#", data.seconds);
  } else if (name === "answer") {
    const template = document.createElement("template");
    template.innerHTML = data.html; // made and cleaned by our own server
    pending.replaceWith(template.content);
    return true;
  } else if (name === "trouble" || name === "erased") {
    pending.remove();
    say(data.text);
    if (name === "erased") showWelcome();
    return true;
  }
  return false;
}

function showWelcome() {
  conversation.replaceChildren();
  document.getElementById("welcome").hidden = false;
  document.getElementById("start-again").hidden = true;
}

// Reads server-sent events from the body of a response.
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
      const name = /^event: (.*)$/m.exec(block)?.[1];
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (name && data) yield { name, data: JSON.parse(data) };
    }
  }
}

function copyOf(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

function say(text) {
  notice.textContent = text;
  notice.hidden = !text;
}

function setBusy(state) {
  busy = state;
  document.querySelector(".send").disabled = state;
}
