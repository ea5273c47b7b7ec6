// Keeps the boot page current: follows /api/boot/log/events, and lets people search, follow and copy the log.
//
// The page is complete without this script. Markup is never built from text: every string of the appliance goes
// through textContent, and the content security policy forbids everything else.

const EVENTS = "/api/boot/log/events";
const STATUS = "/api/boot/status";
// Lines kept in the page: more than the appliance's own ring holds (4,096).
const MOST_LINES = 5000;
// Waits between attempts to reconnect: quick at first, then kind to an appliance that starts many pages.
const RETRY_FIRST_MS = 500;
const RETRY_MOST_MS = 8000;
// The stream says something every 15 s. Longer silence: the other end is gone without a word (power cut).
const SILENCE_MS = 40_000;
// New lines are put into the page together, so that hundreds a second cost one layout each time.
const FLUSH_MS = 60;
// How near to its end the log counts as read to the end, in pixels.
const END_PX = 24;

const $ = (id) => document.getElementById(id);
const data = document.body.dataset;
const log = $("log");

const state = {
  boot: data.boot,
  after: Number(data.after),
  source: null,
  retryMs: RETRY_FIRST_MS,
  retryTimer: 0,
  heardAt: performance.now(),
  // Kernel clock of the appliance minus the clock of this page.
  clockOffset: Number(data.uptime) - performance.now(),
  phases: [],
  health: "",
  problems: [],
  pending: [],
  flushTimer: 0,
  following: true,
  leaving: false,
  query: "",
};

function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function icon(word) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("focusable", "false");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${word}`);
  svg.append(use);
  return svg;
}

// Screen readers say it once; the log itself would drown them.
function announce(text) {
  $("announce").textContent = text;
}

// ---- connection ------------------------------------------------------------------------------------------------

function showConnection(word, text) {
  const shown = $("connection");
  shown.hidden = false;
  shown.dataset.state = word;
  if (shown.textContent !== text) shown.textContent = text;
}

function connect() {
  clearTimeout(state.retryTimer);
  state.retryTimer = 0;
  state.source?.close();
  const query = new URLSearchParams({ boot: state.boot, after: state.after });
  const source = new EventSource(`${EVENTS}?${query}`);
  state.source = source;
  state.heardAt = performance.now();
  const on = (name, handle) =>
    source.addEventListener(name, (event) => {
      // A stream that was given up may still have something in its queue.
      if (source !== state.source) return;
      state.heardAt = performance.now();
      handle(JSON.parse(event.data));
    });
  on("hello", greet);
  on("status", showStatus);
  on("log", addEntry);
  on("missed", addMissed);
  on("time", setClock);
  on("bye", () => lost("The server stopped, reconnecting…"));
  source.onerror = () => {
    if (source === state.source) lost("Connection lost, reconnecting…");
  };
}

function lost(text) {
  state.source?.close();
  state.source = null;
  if (state.retryTimer) return;
  if ($("connection").dataset.state === "live") announce(text);
  showConnection("lost", text);
  const wait = state.retryMs * (0.75 + Math.random() / 2);
  state.retryMs = Math.min(state.retryMs * 2, RETRY_MOST_MS);
  state.retryTimer = setTimeout(retry, wait);
}

// Asks for the status first: unlike an event stream, an ordinary answer tells why something does not work.
async function retry() {
  let text = "Connection lost, reconnecting… If this lasts, reload the page: the certificate may be a new one.";
  if (state.retryMs < RETRY_MOST_MS) text = "Connection lost, reconnecting…";
  try {
    const answer = await fetch(STATUS, { cache: "no-store", signal: AbortSignal.timeout(RETRY_MOST_MS) });
    // The boot page is gone: the appliance's own pages have taken over.
    if (answer.status === 404) return await leave("/");
    if (answer.ok) return connect();
    if (answer.status === 503) text = "Too many browsers follow this page, trying again…";
  } catch {
    // Still unreachable: try again below.
  }
  state.retryTimer = 0;
  lost(text);
}

function greet(hello) {
  state.retryMs = RETRY_FIRST_MS;
  const again = $("connection").dataset.state === "lost";
  if (hello.version !== data.version) {
    // Other firmware, other page.
    sessionStorage.setItem("restarted", hello.version);
    leave(location.pathname + location.search);
    return;
  }
  setClock(hello);
  showConnection("live", "Live");
  if (hello.boot_id !== state.boot) restarted(hello.boot_id);
  else if (again) announce("Connected again.");
}

function restarted(boot) {
  state.boot = boot;
  state.after = 0;
  state.pending = [];
  log.replaceChildren();
  showNotice(`The appliance restarted at ${new Date().toLocaleTimeString()}. The log begins afresh.`);
  setFollowing(true);
  count();
}

function showNotice(text) {
  $("notice").hidden = false;
  $("notice").textContent = text;
  announce(text);
}

function setClock({ uptime_ms }) {
  state.clockOffset = uptime_ms - performance.now();
}

function watchSilence() {
  if (state.source && performance.now() - state.heardAt > SILENCE_MS) lost("Connection lost, reconnecting…");
}

function reconnectNow() {
  if (!state.source && state.retryTimer && !document.hidden) {
    clearTimeout(state.retryTimer);
    retry();
  }
}

// ---- status ----------------------------------------------------------------------------------------------------

function showStatus(status) {
  $("overview").dataset.state = status.health;
  if (state.health !== status.health) {
    $("health-icon").replaceChildren(icon(status.health));
    if (state.health) announce(`${status.headline}. ${status.summary}`);
    state.health = status.health;
  }
  $("headline").textContent = status.headline;
  $("summary").textContent = status.summary;
  handOver(status.health);
  document.title = `${status.headline} – ${data.name}`;
  showProgress(status);
  showProblems(status.problems);
  showPhases(status.phases);
  showServices(status.services);
}

// Once the appliance works, the browser goes to where it was before a reboot, or to the login. Whoever came to read the log of
// an appliance that works stays.
function handOver(health) {
  const works = health === "healthy" || health === "degraded";
  if (!works || data.login === undefined) return;
  const back = sessionStorage.getItem("return");
  if (back?.startsWith("/")) leave(back);
  else if (data.working === undefined) leave("/");
}

// Goes to a page only once it has answered: a navigation that fails leaves the browser on an error page of its own, which
// comes back by itself to nothing. The answer's connection is the one that the navigation then takes; a browser keeps
// attempts from while the appliance was away, and would wait for one of those.
async function leave(path) {
  if (state.leaving) return;
  state.leaving = true;
  try {
    const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(RETRY_MOST_MS) });
    await answer.text();
    sessionStorage.removeItem("return");
    location.replace(path);
  } catch {
    // The next status, or the next connection, tries again.
    state.leaving = false;
    clearTimeout(state.retryTimer);
    state.retryTimer = 0;
    lost("Connection lost, reconnecting…");
  }
}

function showProgress({ progress, progress_text: text }) {
  $("progress").hidden = !progress;
  if (!progress) return;
  const bar = $("progress-bar");
  $("progress-what").textContent = progress.what;
  $("progress-text").textContent = text;
  if (progress.total === 0) {
    bar.removeAttribute("value");
  } else {
    bar.max = progress.total;
    bar.value = Math.min(progress.done, progress.total);
  }
}

function showProblems(problems) {
  const fresh = problems.filter((problem) => !state.problems.includes(problem));
  state.problems = problems;
  $("problems").hidden = problems.length === 0;
  $("problems").querySelector("ul").replaceChildren(...problems.map((problem) => element("li", {}, problem)));
  if (fresh.length) announce(fresh.join(" "));
}

function showPhases(phases) {
  const before = state.phases.find((phase) => phase.state === "running")?.name;
  const now = phases.find((phase) => phase.state === "running");
  if (before && now && now.name !== before) announce(`Phase: ${now.title}`);
  state.phases = phases;
  const items = phases.map((phase) => {
    const current = phase.state === "running" ? { "aria-current": "step" } : {};
    return stateItem(phase.state, phase.title, element("span", { class: "took" }, took(phase)), current);
  });
  update($("phases").querySelector("ol"), items);
}

function showServices(services) {
  $("services").hidden = services.length === 0;
  const items = services.map(({ name, state: word, detail }) =>
    stateItem(word, name, element("span", { class: "detail" }, detail), {}),
  );
  update($("services").querySelector("ul"), items);
}

function stateItem(word, title, last, attributes) {
  return element(
    "li",
    { "data-state": word, ...attributes },
    icon(word),
    element("span", { class: "title" }, title),
    element("span", { class: "word" }, word),
    last,
  );
}

// Replaces only what differs, so that a running icon keeps turning and a selection stays.
function update(list, items) {
  items.forEach((item, n) => {
    const old = list.children[n];
    if (!old) list.append(item);
    else if (!old.isEqualNode(item)) {
      if (old.dataset.state === item.dataset.state) old.lastChild.textContent = item.lastChild.textContent;
      if (!old.isEqualNode(item)) old.replaceWith(item);
    }
  });
  while (list.children.length > items.length) list.lastChild.remove();
}

function took({ state: word, started_ms: start, finished_ms: end }) {
  const until = word === "running" ? performance.now() + state.clockOffset : end;
  return start === null || until === null ? "" : duration(Math.max(0, Math.floor(until - start)));
}

// The same as `duration` in view.rs.
function duration(ms) {
  const two = (number) => String(number).padStart(2, "0");
  const seconds = Math.floor(ms / 1000);
  if (seconds < 10) return `${seconds}.${two(Math.floor((ms % 1000) / 10))} s`;
  if (seconds < 60) return `${seconds}.${Math.floor((ms % 1000) / 100)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${two(Math.floor(seconds / 60) % 60)} min`;
}

function tick() {
  // Nobody knows whether the phase still runs.
  if (!state.source) return;
  state.phases.forEach((phase, n) => {
    if (phase.state !== "running") return;
    const shown = $("phases").querySelector("ol").children[n]?.lastChild;
    if (shown) shown.textContent = took(phase);
  });
}

// ---- log -------------------------------------------------------------------------------------------------------

function addEntry(entry) {
  if (entry.seq <= state.after) return;
  state.after = entry.seq;
  push(lineOf(entry));
}

function addMissed({ missed, next }) {
  state.after = Math.max(state.after, next - 1);
  push(element("div", { class: "note" }, `Missed ${missed} entries: the appliance no longer keeps them.`));
}

// The text of the line is the console's; time and phase are only set apart by colour.
function lineOf({ seq, level, phase, line }) {
  const time = line.indexOf("]") + 1;
  const text = time + 1 + phase.length;
  return element(
    "div",
    { class: `line ${level}`, "data-seq": seq },
    element("span", { class: "at" }, line.slice(0, time)),
    element("span", { class: "in" }, line.slice(time, text)),
    line.slice(text),
  );
}

function push(node) {
  if (state.query && node.dataset.seq) markMatch(node);
  state.pending.push(node);
  state.flushTimer ||= setTimeout(flush, FLUSH_MS);
}

function flush() {
  state.flushTimer = 0;
  log.append(...state.pending);
  state.pending = [];
  while (log.children.length > MOST_LINES) log.firstChild.remove();
  count();
  if (state.following) scrollToEnd();
}

function scrollToEnd() {
  log.scrollTop = log.scrollHeight;
}

function atEnd() {
  return log.scrollHeight - log.scrollTop - log.clientHeight < END_PX;
}

function setFollowing(following) {
  state.following = following;
  $("follow").setAttribute("aria-pressed", String(following));
  if (following) scrollToEnd();
}

function markMatch(line) {
  line.classList.toggle("nomatch", !line.textContent.toLowerCase().includes(state.query));
}

function search() {
  state.query = $("search").value.trim().toLowerCase();
  for (const line of log.querySelectorAll(".line")) markMatch(line);
  count();
  if (state.following) scrollToEnd();
}

function shownLines() {
  const ranks = ["debug", "info", "warning", "error"];
  const levels = ranks.slice(ranks.indexOf(log.dataset.show)).map((level) => `.line.${level}:not(.nomatch)`);
  return log.querySelectorAll(levels.join());
}

function count() {
  const all = log.querySelectorAll(".line").length;
  const shown = shownLines().length;
  $("count").textContent = shown === all ? `${all} lines` : `${shown} of ${all} lines`;
}

async function copy() {
  const lines = [...shownLines()].map((line) => line.textContent);
  let done = `Copied ${lines.length} lines`;
  try {
    await navigator.clipboard.writeText(lines.join("\n") + "\n");
  } catch {
    done = "The browser does not allow it; use Download";
  }
  $("copy").textContent = done;
  announce(done);
  setTimeout(() => ($("copy").textContent = "Copy"), 2500);
}

// ---- start -----------------------------------------------------------------------------------------------------

function start() {
  $("controls").hidden = false;
  $("search").addEventListener("input", search);
  $("level").addEventListener("change", () => {
    log.dataset.show = $("level").value;
    count();
    if (state.following) scrollToEnd();
  });
  $("follow").addEventListener("click", () => setFollowing(!state.following));
  $("copy").addEventListener("click", copy);
  log.addEventListener("scroll", () => {
    if (state.following !== atEnd()) setFollowing(atEnd());
  }, { passive: true });
  new ResizeObserver(() => state.following && scrollToEnd()).observe(log);
  addEventListener("online", reconnectNow);
  document.addEventListener("visibilitychange", reconnectNow);
  const version = sessionStorage.getItem("restarted");
  if (version) {
    sessionStorage.removeItem("restarted");
    showNotice(`The appliance restarted and now runs version ${version}.`);
  }
  setInterval(tick, 250);
  setInterval(watchSilence, 5000);
  count();
  scrollToEnd();
  connect();
}

start();
