"use strict";
// Links to moments work without this script too; here they play in the player above.
const player = document.querySelector("video");
const note = document.querySelector(".player p");
let until = Infinity;
let current = null;

function play(link) {
  const [address, fragment] = link.href.split("#t=");
  // What is seen at an instant has no end.
  const [start, end = start] = fragment.split(",").map(Number);
  if (player.dataset.address !== address) {
    player.dataset.address = address;
    player.src = link.href;
  } else {
    player.currentTime = start;
  }
  until = end > start ? end : Infinity;
  if (current) current.removeAttribute("aria-current");
  current = link;
  link.setAttribute("aria-current", "true");
  note.textContent = link.getAttribute("aria-label");
  player.play().catch(() => {});
}

if (player) {
  player.addEventListener("timeupdate", () => {
    if (player.currentTime >= until) {
      until = Infinity;
      player.pause();
    }
  });
  player.addEventListener("seeking", () => {
    if (player.currentTime > until) until = Infinity;
  });
  player.addEventListener("error", () => {
    note.textContent = "This browser cannot play the file, or it is no longer there.";
  });
  document.addEventListener("click", (event) => {
    const plain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
    const link = event.target.closest("a.cite");
    if (link && plain) {
      event.preventDefault();
      play(link);
    }
  });
}
