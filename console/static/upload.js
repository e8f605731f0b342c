// Files may be dropped anywhere on the page, are checked before they are sent, and show how far the
// sending is. Without this file the form still works: browsers take drops on the field itself.
"use strict";

const form = document.getElementById("upload");
const field = form.querySelector("input[type=file]");
const drop = document.getElementById("drop");
const chosen = document.getElementById("chosen");
const notice = document.getElementById("notice");
const bar = document.getElementById("sending");

for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    drop.classList.add("over");
  });
}
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) drop.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  drop.classList.remove("over");
  if (!event.dataTransfer.files.length) return;
  event.preventDefault();
  field.files = event.dataTransfer.files;
  show();
});
field.addEventListener("change", show);

function show() {
  const files = [...field.files];
  chosen.hidden = !files.length;
  chosen.replaceChildren(
    ...files.map((file) => {
      const item = document.createElement("li");
      item.textContent = `${file.name}, ${size(file.size)}`;
      return item;
    }),
  );
  say(complaint(files));
}

function complaint(files) {
  const { fileBytes, filesBytes, maxFiles, limits, tooLarge, tooMuch } = form.dataset;
  const large = files.filter((file) => file.size > Number(fileBytes)).map((file) => file.name);
  if (large.length) return `${tooLarge} ${large.join(", ")}. ${limits}`;
  const total = files.reduce((sum, file) => sum + file.size, 0);
  if (total > Number(filesBytes) || files.length > Number(maxFiles)) {
    return `${tooMuch} ${limits}`;
  }
  return "";
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const trouble = complaint([...field.files]);
  if (trouble) return say(trouble);
  const request = new XMLHttpRequest(); // fetch does not tell how far the sending is
  request.open("POST", form.action);
  request.responseType = "document";
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    bar.hidden = false;
    bar.value = total ? loaded / total : 0;
  });
  request.addEventListener("load", () => {
    if (request.status < 400 && request.responseURL !== form.action) {
      location.assign(request.responseURL);
      return;
    }
    const told = request.response?.querySelector("#notice")?.textContent.trim();
    stop(told || form.dataset.refused);
  });
  request.addEventListener("error", () => stop(form.dataset.lost));
  form.querySelector("button").disabled = true;
  request.send(new FormData(form));
});

function stop(text) {
  bar.hidden = true;
  form.querySelector("button").disabled = false;
  say(text);
}

function say(text) {
  notice.querySelector("span").textContent = text;
  notice.hidden = !text;
}

function size(bytes) {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
