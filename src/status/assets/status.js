// What the pages do besides: copy a command, show progress, press a button without leaving the page. Without it
// all of them work the same, by links, forms and reloading.
"use strict";
(() => {
  const main = document.getElementById("main");
  const said = document.getElementById("said");
  const say = (text) => { said.textContent = text; };

  const withCopyButtons = () => {
    if (!navigator.clipboard) return;
    for (const code of main.querySelectorAll("code.command")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copy";
      button.textContent = "Copy";
      button.setAttribute("aria-label", "Copy: " + code.textContent);
      button.addEventListener("click", () => {
        navigator.clipboard.writeText(code.textContent).then(() => say("copied"), () => say("not copied"));
      });
      code.after(button);
    }
  };

  const show = (text) => {
    const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("main");
    if (!fresh) return;
    // Whoever goes through the page by keyboard must not lose their place.
    const stops = () => [...main.querySelectorAll("a, button, input, [tabindex='0']")];
    const at = stops().indexOf(document.activeElement);
    main.replaceChildren(...fresh.childNodes);
    main.dataset.state = fresh.dataset.state;
    withCopyButtons();
    if (at >= 0) stops()[at]?.focus({ preventScroll: true });
  };
  const renew = async () => {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (answer.ok && !answer.redirected) show(await answer.text());
  };

  main.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.classList.contains("login")) return;
    event.preventDefault();
    if (form.dataset.ask && !confirm(form.dataset.ask)) return;
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
      if (!answer.ok) throw new Error(answer.statusText);
      show(await answer.text());
      main.focus();
      say("done");
    } catch (error) {
      button.disabled = false;
      say("it failed: " + error.message);
    }
  });

  const live = () => {
    const events = new EventSource("/events");
    let asked = null;
    events.addEventListener("progress", (event) => {
      const { loads, state } = JSON.parse(event.data);
      // What the page was made from, and not what the first event says: it may have changed between them.
      if (main.dataset.state !== state && asked !== state) {
        asked = state;
        renew().catch(() => { asked = null; });
      }
      for (const load of loads) {
        const line = [...main.querySelectorAll("[data-load]")].find((one) => one.dataset.load === load.load_id);
        if (!line) continue;
        line.querySelector("[data-field=text]").textContent = load.text;
        const bar = line.querySelector("progress");
        if (bar && load.percent !== null) bar.value = load.percent;
      }
    });
  };

  withCopyButtons();
  if (main.dataset.page !== "login") live();
})();
