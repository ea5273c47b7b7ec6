// Keeps the pages behind the login current, uploads with progress, and brings the browser back after a reboot.
//
// Every page is complete without this script. Markup is never built from text: parts of a page that are "live" are taken
// from a freshly fetched page as the parser made them, everything else goes through textContent.

const EVENTS = "/ui/events";
const STATUS = "/api/boot/status";
const UPLOAD = "/basic-settings/system/firmwares/upload";
// Waits between looks at an appliance that does not answer.
const LOOK_MS = 1500;
// Where the browser goes back to when the appliance is there again.
const RETURN_KEY = "return";

const $ = (id) => document.getElementById(id);
const data = document.body.dataset;
const isInside = !document.body.classList.contains("door");

function announce(text) {
  const place = $("announce");
  if (place) place.textContent = text;
}

// ---- live parts ------------------------------------------------------------------------------------------------

let refreshing = false;
let refreshAgain = false;

// The page as the server would send it now. XMLHttpRequest parses it without any markup passing through a script.
function fetchPage(address) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", address);
    request.setRequestHeader("X-Refresh", "1");
    request.setRequestHeader("Accept", "text/html");
    request.responseType = "document";
    request.timeout = 10_000;
    request.onload = () => (request.status === 200 && request.response ? resolve(request.response) : reject(request.status));
    request.onerror = request.ontimeout = () => reject(0);
    request.send();
  });
}

async function refresh() {
  if (refreshing) {
    refreshAgain = true;
    return;
  }
  refreshing = true;
  try {
    // What was asked once is not asked again behind somebody's back: such a search is in the log.
    const still = document.querySelector("#main [data-still]");
    const page = await fetchPage(location.pathname + (still ? "" : location.search));
    // Another firmware answers: everything is loaded anew, nothing of the old one stays.
    if (page.body.dataset.boot !== data.boot) return location.reload();
    for (const old of document.querySelectorAll(still ? "[data-live]:not(#main *)" : "[data-live]")) replace(old, page.getElementById(old.id));
  } catch (status) {
    if (status === 401) location.assign(`/login?next=${encodeURIComponent(location.pathname)}`);
  } finally {
    refreshing = false;
    if (refreshAgain) {
      refreshAgain = false;
      refresh();
    }
  }
}

function replace(old, fresh) {
  if (!fresh || old.isEqualNode(fresh)) return;
  // What somebody is about to press stays under the finger.
  if (old.contains(document.activeElement)) {
    old.addEventListener("focusout", () => refresh(), { once: true });
    return;
  }
  const before = runningJobs(old);
  old.replaceWith(document.importNode(fresh, true));
  if (before > runningJobs(fresh)) announce(fresh.querySelector(".job")?.textContent.trim() ?? "");
}

const runningJobs = (part) => part.querySelectorAll('.job[data-state="running"]').length;

// ---- connection ------------------------------------------------------------------------------------------------

function follow() {
  const source = new EventSource(EVENTS);
  source.addEventListener("change", () => refresh());
  source.onerror = () => {
    source.close();
    lookForAppliance();
  };
}

function showLost(text) {
  let bar = $("lost");
  if (!bar) {
    bar = document.createElement("p");
    bar.id = "lost";
    bar.setAttribute("role", "status");
    document.querySelector(".top").after(bar);
  }
  if (bar.textContent !== text) bar.textContent = text;
}

// The appliance does not answer: it reboots, or the network is gone. Looks until it is there again.
async function lookForAppliance(goTo) {
  const path = goTo ?? location.pathname;
  for (;;) {
    const status = await fetchStatus();
    if (status && status.meta.boot_id !== data.boot) {
      // A new boot: the boot page shows how far it is and leads back here.
      sessionStorage.setItem(RETURN_KEY, path);
      return location.assign("/boot");
    }
    if (status && !goTo) {
      $("lost")?.remove();
      refresh();
      return follow();
    }
    showLost(status ? "The appliance is about to leave…" : "The appliance does not answer. This page comes back by itself.");
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

async function fetchStatus() {
  try {
    const answer = await fetch(STATUS, { cache: "no-store", signal: AbortSignal.timeout(4000) });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

// ---- upload ----------------------------------------------------------------------------------------------------

function bytes(count) {
  const units = ["bytes", "KiB", "MiB", "GiB"];
  let unit = 0;
  while (count >= 1024 && unit < units.length - 1) {
    count /= 1024;
    unit += 1;
  }
  return `${count.toFixed(unit === 0 ? 0 : 1)} ${units[unit]}`;
}

function upload(event) {
  event.preventDefault();
  const form = event.currentTarget;
  const file = $("firmware").files[0];
  if (!file) return;
  const request = new XMLHttpRequest();
  const begun = performance.now();
  const ended = () => {
    $("upload-progress").hidden = true;
    form.querySelector("button[type=submit]").disabled = false;
    removeEventListener("beforeunload", warn);
  };
  const failed = (text) => {
    ended();
    $("upload-problem").textContent = text;
    $("upload-problem").hidden = false;
  };
  request.open("POST", UPLOAD);
  request.setRequestHeader("Content-Type", "application/x-iso9660-image");
  request.setRequestHeader("X-Form", form.dataset.form);
  request.setRequestHeader("X-Upload", "1");
  request.setRequestHeader("Accept", "application/json");
  request.upload.onprogress = (progress) => showUpload(progress, begun);
  request.onload = () => {
    if (request.status === 202) {
      ended();
      form.reset();
      announce("The file has arrived and is being verified.");
      refresh();
    } else {
      failed(problemOf(request));
    }
  };
  request.onerror = () => failed("The upload was interrupted. Nothing of it is kept: send it again.");
  request.onabort = () => failed("The upload was cancelled. Nothing of it is kept.");
  $("upload-cancel").onclick = () => request.abort();
  $("upload-problem").hidden = true;
  $("upload-progress").hidden = false;
  form.querySelector("button[type=submit]").disabled = true;
  addEventListener("beforeunload", warn);
  request.send(file);
}

// Leaving the page ends the upload.
function warn(event) {
  event.preventDefault();
}

function showUpload(progress, begun) {
  const seconds = Math.max((performance.now() - begun) / 1000, 0.001);
  const rate = progress.loaded / seconds;
  const left = Math.ceil((progress.total - progress.loaded) / Math.max(rate, 1));
  $("upload-bar").max = progress.total;
  $("upload-bar").value = progress.loaded;
  $("upload-text").textContent =
    `${bytes(progress.loaded)} of ${bytes(progress.total)}, ${bytes(rate)}/s, ${left} s left`;
}

function problemOf(request) {
  try {
    const { details } = JSON.parse(request.responseText).error;
    return `${details.charAt(0).toUpperCase()}${details.slice(1)}.`;
  } catch {
    return `The appliance answered with status ${request.status}.`;
  }
}

// ---- begin -----------------------------------------------------------------------------------------------------

if (isInside) {
  const leaving = $("leaving");
  if (leaving) {
    if (leaving.dataset.return) lookForAppliance(leaving.dataset.return);
  } else {
    follow();
    $("upload")?.addEventListener("submit", upload);
  }
}
