// The page around the player: facts, what happened, and the way from there to its place in the recording. Everything that was recorded is put
// into the page as text, never as markup.
"use strict";
(() => {
  const element = (id) => document.getElementById(id);
  const cast = element("cast").textContent.trim();
  const { session, facts, events, left_out, begins } = JSON.parse(element("data").textContent);
  const idleTimeLimit = 2;

  document.title = session;
  element("session").textContent = session;
  element("facts").textContent = facts.join(" · ");

  const options = { fit: "width", idleTimeLimit, preload: true };
  const player = AsciinemaPlayer.create({ data: cast }, element("player"), options);

  // When something happened, and when the player shows that: it leaves out where nothing happens.
  const places = [[0, 0]];
  for (const line of cast.split("\n").slice(1)) {
    const [later] = JSON.parse(line);
    const [real, shown] = places[places.length - 1];
    places.push([real + later, shown + Math.min(later, idleTimeLimit)]);
  }
  const shownAt = (time) => {
    let [low, high] = [0, places.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (places[middle][0] <= time) low = middle;
      else high = middle - 1;
    }
    return places[low][1];
  };

  // A link to a place: `#t=SECONDS` since the session began.
  const place = Number(new URLSearchParams(location.hash.slice(1)).get("t")) - begins;
  if (place > 0) player.seek(shownAt(place));

  const clock = (time) => {
    const two = (number) => String(Math.floor(number)).padStart(2, "0");
    return `${two(time / 3600)}:${two((time / 60) % 60)}:${two(time % 60)}`;
  };
  const list = element("events");
  const rows = events.map(([at, text]) => {
    const [row, button, time, what] = ["li", "button", "time", "span"].map((name) => document.createElement(name));
    time.textContent = clock(at);
    what.textContent = text;
    button.append(time, what);
    button.addEventListener("click", () => player.seek(shownAt(at)));
    row.append(button);
    return [row, text.toLowerCase()];
  });
  list.append(...rows.map(([row]) => row));
  if (left_out > 0) list.append(`and ${left_out} more`);
  element("find").addEventListener("input", ({ target }) => {
    const wanted = target.value.toLowerCase();
    for (const [row, text] of rows) row.hidden = !text.includes(wanted);
  });
})();
