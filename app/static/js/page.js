// Behaviours every page may have; each page works without them.

// An error summary takes the focus, so that keyboards and screen readers start there.
document.querySelector("[data-focus]")?.focus();

// A link of the summary leads into its field, not only to it.
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-focus]")) return;
  const field = event.target.hash && document.getElementById(event.target.hash.slice(1));
  if (!field) return;
  event.preventDefault();
  (field.closest(".field") ?? field).scrollIntoView();
  field.focus({ preventScroll: true });
});

// A button that was pressed says so and is not sent twice; coming back to the page frees it.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "1";
  event.submitter?.setAttribute("aria-busy", "true");
});

// Who leaves a form with something typed that no button sent is asked first.
const kept = document.querySelector("[data-keep]");
let typed = kept?.dataset.keep === "typed";
kept?.addEventListener("input", () => { typed = true; });
kept?.addEventListener("submit", () => { typed = false; });
addEventListener("beforeunload", (event) => { if (typed) event.preventDefault(); });

addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.forms) delete form.dataset.sent;
  for (const button of document.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
});

// A toast can be put away.
const closable = (toast) => {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button close";
  button.textContent = toast.parentElement.dataset.close;
  button.addEventListener("click", () => toast.remove());
  toast.append(button);
};
document.querySelectorAll(".toast").forEach(closable);

// --- Pages that answer while they are used (components/answering.html). What comes is a whole page; htmx takes the part it was told.

// An address holds what was filled in, and nothing else.
document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (detail.verb !== "get") return;
  const fields = detail.formData;
  for (const [name, value] of [...fields]) if (!value || (name === "radius_km" && !fields.get("near"))) fields.delete(name);
});

// Of a form that is being filled in, only the fields that were left are told what is wrong with them, as the server says it.
const left = new WeakSet();
document.addEventListener("change", ({ target }) => {
  const field = target.closest("[data-check] .field");
  if (field) left.add(field);
});
const tell = (form, page) => {
  const said = [];
  for (const control of form.elements) {
    const its = control.id && page.getElementById(control.id);
    const field = control.closest(".field"), fresh = its && its.closest(".field");
    if (!fresh || !left.has(field)) continue;
    const old = field.querySelector(".error"), error = fresh.querySelector(".error");
    if (old?.textContent !== error?.textContent) {
      old?.remove();
      if (error) field.lastElementChild.before(error.cloneNode(true));
      if (error) said.push(error.textContent.trim());
    }
    field.classList.toggle("wrong", Boolean(error));
    for (const [here, there] of [[control, its], [field, fresh]]) {
      for (const name of ["aria-invalid", "aria-describedby"]) {
        const value = there.getAttribute(name);
        if (value) here.setAttribute(name, value); else here.removeAttribute(name);
      }
    }
  }
  const count = page.querySelector("[data-count]");
  if (count) said.push(count.textContent.trim());
  form.querySelector("[data-said]").textContent = said.join(". ");
};
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const page = new DOMParser().parseFromString(detail.serverResponse, "text/html");
  const form = detail.requestConfig.elt.closest("[data-check]");
  const part = detail.requestConfig.elt.getAttribute("hx-select");
  if (part && !page.querySelector(part)) detail.shouldSwap = false; // signed out, or an error: nothing is taken away
  else if (form) tell(form, page);
});
document.addEventListener("htmx:load", ({ detail }) => {
  if (detail.elt.matches(".toast")) closable(detail.elt);
});
document.addEventListener("htmx:afterSettle", ({ detail }) => {
  if (detail.target?.id === "main" && document.activeElement === document.body) document.getElementById("main").focus({ preventScroll: true });
});
// Without an answer the old way may still work, and says so if not.
document.addEventListener("htmx:sendError", ({ detail }) => { if (detail.elt.closest(".toast")) detail.elt.submit(); });

// A page that waits for news asks quietly, for a while, and shows them when there are any. Without this it loads itself anew.
const watched = document.querySelector("[data-watch]");
if (watched) {
  let looks = 15;
  const address = location.pathname;
  const look = async () => {
    if (!document.hidden) {
      const text = await fetch(address).then((answer) => answer.text(), () => "");
      const fresh = new DOMParser().parseFromString(text, "text/html").querySelector("[data-state]");
      if (fresh && (fresh.dataset.state !== watched.dataset.state || !fresh.dataset.watch)) return location.replace(address);
      looks -= 1;
    }
    if (looks > 0) return setTimeout(look, watched.dataset.watch * 1000);
    const status = watched.querySelector("[data-over]");
    status.textContent = status.dataset.over;
  };
  setTimeout(look, watched.dataset.watch * 1000);
}

// A link that can be selected can be copied by a button, too.
for (const field of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button second";
  button.textContent = field.dataset.copy;
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(field.value);
      button.textContent = field.dataset.copied;
    } catch {
      field.select(); // not allowed here: one key copies it
    }
  });
  field.after(button);
}

// An amount of one's own is the choice "other"; choosing one of those offered takes it back.
for (const field of document.querySelectorAll("[data-other]")) {
  const choices = field.form.elements[field.dataset.other];
  field.addEventListener("input", () => {
    choices.value = field.value ? "other" : "";
  });
  for (const choice of choices) {
    choice.addEventListener("change", () => {
      if (choice.value === "other") field.focus();
      else field.value = "";
    });
  }
}

// Where the browser can hand a link on by itself, a button does that.
for (const button of document.querySelectorAll("[data-share]")) {
  if (!navigator.share) continue;
  button.hidden = false;
  button.addEventListener("click", () => {
    navigator.share({ title: document.title, text: button.dataset.text, url: button.dataset.share }).catch(() => {}); // they thought better of it
  });
}
