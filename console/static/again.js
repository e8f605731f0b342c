// Looks again at a page that waits, in place, so that it does not jump. Without this file the
// browser loads the page anew.
"use strict";

const own = document.currentScript;
const seconds = Number(own.dataset.seconds);

function look() {
  setTimeout(async () => {
    const page = await fetch(location.href)
      .then((response) => response.text())
      .then((text) => new DOMParser().parseFromString(text, "text/html"))
      .catch(() => null);
    const main = page?.querySelector("main");
    if (main) document.querySelector("main").replaceWith(main);
    if (main) document.dispatchEvent(new Event("again"));
    if (!main || page.querySelector("script[data-seconds]")) look();
    else own.remove(); // the page waits for nothing any more
  }, seconds * 1000);
}

look();
