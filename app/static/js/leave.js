// The way out of a page that somebody at home must not see: what is on the screen goes at once, and this page is not in the
// tab's history any more. Without this script the link leads to the same place.
const out = document.querySelector("[data-leave]");

function leave(event) {
  event?.preventDefault();
  document.title = "";
  document.body.replaceChildren();
  try {
    sessionStorage.setItem("left", "yes");
  } catch {
    // No storage: only this page is gone.
  }
  location.replace(out.href);
}

out?.addEventListener("click", leave);

// Back, in a tab that was left, shows none of the other pages like this one either. Who comes by a link or an address stays.
function leaveAgain(back) {
  try {
    if (back && sessionStorage.getItem("left")) leave();
    else sessionStorage.removeItem("left");
  } catch {
    // No storage: Back is as it always was.
  }
}

leaveAgain(performance.getEntriesByType("navigation")[0]?.type === "back_forward");
addEventListener("pageshow", (event) => event.persisted && leaveAgain(true));

// Shift three times within two seconds, with no other key between.
let presses = [];
document.addEventListener("keydown", (event) => {
  if (event.key !== "Shift") {
    presses = [];
    return;
  }
  if (event.repeat) return;
  presses = [...presses, event.timeStamp].filter((at) => event.timeStamp - at < 2000);
  if (presses.length >= 3) leave();
});
document.querySelector("[data-leave-keys]")?.removeAttribute("hidden");
// What the page says of Back is true where this script runs, and the other sentence where it does not.
document.querySelector("[data-leave-gone]")?.removeAttribute("hidden");
document.querySelector("[data-leave-kept]")?.setAttribute("hidden", "");

// Another country is the same page: it takes its place instead of coming after it.
document.querySelector("[data-same-page]")?.addEventListener("submit", (event) => {
  event.preventDefault();
  location.replace(`/report?country=${new FormData(event.target).get("country")}`);
});
