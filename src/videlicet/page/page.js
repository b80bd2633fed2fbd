"use strict";
// Links that play a moment work without this script too; here they play in place.
const links = () => [...document.querySelectorAll("a.play, a.moment, video.player")];

function play(link) {
  const video = document.createElement("video");
  video.className = "player";
  video.controls = true;
  video.autoplay = true;
  video.tabIndex = 0;
  video.setAttribute("aria-label", link.getAttribute("aria-label"));
  video.addEventListener("error", () => {
    const note = document.createElement("p");
    note.className = "none";
    note.setAttribute("role", "alert");
    note.textContent = "This browser cannot play the file, or it is no longer there.";
    video.replaceWith(note);
  });
  video.src = link.href;
  const stage = link.closest("li.hit").querySelector(".stage");
  stage.classList.add("playing");
  stage.firstElementChild.replaceWith(video);
  stage.scrollIntoView({ block: "nearest" });
  video.focus();
}

document.addEventListener("click", (event) => {
  const plain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  const link = event.target.closest("a.play, a.moment");
  if (link && plain) {
    event.preventDefault();
    play(link);
  }
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "VIDEO" &&
      (event.key === "ArrowLeft" || event.key === "ArrowRight")) return;
  const all = links();
  const at = all.indexOf(document.activeElement);
  const top = (node) => node.getBoundingClientRect().top;
  let to = -1;
  if (event.key === "ArrowRight") to = at + 1;
  else if (event.key === "ArrowLeft") to = Math.max(0, at - 1);
  else if (event.key === "Home") to = 0;
  else if (event.key === "End") to = all.length - 1;
  else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    if (at < 0) to = 0;
    else {
      // One row of the grid: the nearest in the same column.
      const left = (node) => node.getBoundingClientRect().left;
      const down = event.key === "ArrowDown";
      const rows = all.map((node, index) => index)
        .filter((i) => Math.abs(left(all[i]) - left(all[at])) < 4)
        .filter((i) => down ? top(all[i]) > top(all[at]) + 4 : top(all[i]) < top(all[at]) - 4);
      if (!rows.length) return;
      to = down ? rows[0] : rows[rows.length - 1];
    }
  }
  if (to < 0 || to >= all.length) return;
  event.preventDefault();
  all[to].focus();
});
