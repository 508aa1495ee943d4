"use strict";
// A link within the page opens what it leads to, folded or not; arrows and Escape go on from there.
(() => {
  const target = () => document.getElementById(decodeURIComponent(location.hash.slice(1)));

  const open = () => {
    const place = location.hash ? target() : null;
    if (!place) return;
    for (let one = place; one; one = one.parentElement) {
      if (one.tagName === "DETAILS") one.open = true;
    }
    place.scrollIntoView({ block: "start" });
    place.focus({ preventScroll: true });
  };

  const go = (event) => {
    const place = location.hash ? target() : null;
    if (!place || !place.classList.contains("item")) return;
    const items = [...document.querySelectorAll(".item")];
    const next = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Escape") location.hash = "gallery";
    else if (next && items[items.indexOf(place) + next]) {
      location.hash = items[items.indexOf(place) + next].id;
    }
  };

  addEventListener("hashchange", open);
  addEventListener("keydown", go);
  open();
})();
