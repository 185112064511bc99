// Behaviours every page may have; each page works without them.

// An error summary takes the focus, so that keyboards and screen readers start there.
document.querySelector("[data-focus]")?.focus();

// A link of the summary leads into its field, not only to it.
document.querySelector("[data-focus]")?.addEventListener("click", (event) => {
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
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.forms) delete form.dataset.sent;
  for (const button of document.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
});

// A toast can be put away.
for (const toast of document.querySelectorAll(".toast")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button close";
  button.textContent = toast.parentElement.dataset.close;
  button.addEventListener("click", () => toast.remove());
  toast.append(button);
}

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
