// The page of a session that goes on: the server writes `live(…)` at its end as things happen. Everything that was recorded is put into the page as
// text, never as markup.
"use strict";
const live = (() => {
  const element = (id) => document.getElementById(id);
  const waiting = [];
  let dispatch = null;

  const size = (text) => {
    const [cols, rows] = text.split("x").map(Number);
    return { cols, rows };
  };
  const show = ([, code, text]) => {
    if (code === "o") dispatch("output", text);
    else if (code === "r") dispatch("resize", size(text));
  };
  const begin = ({ term: { cols, rows } }) => {
    dispatch("reset", { size: { cols, rows } });
    dispatch("playing");
  };
  const driver = (player) => ({
    play: () => {
      dispatch = player.dispatch;
      dispatch("play");
      for (const item of waiting.splice(0)) take(item);
      return true;
    },
    stop: () => {},
    getTiming: () => ({ time: 0 }),
  });
  const tell = (text) => {
    const [row, time, what] = ["li", "time", "span"].map((name) => document.createElement(name));
    time.textContent = new Date().toLocaleTimeString();
    what.textContent = text;
    row.append(time, what);
    element("events").prepend(row);
  };
  const end = () => {
    element("state").textContent = "The session has ended, or is followed no longer.";
    element("state").dataset.ended = "yes";
  };
  const take = (item) => {
    if (dispatch === null) waiting.push(item);
    else if (Array.isArray(item)) show(item);
    else begin(item);
  };

  AsciinemaPlayer.create(driver, element("player"), { fit: "width", autoPlay: true, controls: false });
  // A connection that was cut ends the page as the session's end does.
  window.addEventListener("load", end);
  return (item) => {
    // The page keeps what it shows, not what it was made of.
    document.currentScript.remove();
    if (item === null) end();
    else if (typeof item === "string") tell(item);
    else take(item);
  };
})();
