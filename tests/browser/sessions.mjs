// A session that waits for somebody's agreement, is followed, ended, found and played: all in a browser.
import { SOON, assert, base, keep, logIn, look, press, run, say, setUp } from "./lib.mjs";

// Numbers that the terminal in the player shows.
async function counted(page) {
  const text = await page.locator("#player").innerText();
  return [...text.matchAll(/count (\d+)/g)].map(([, number]) => Number(number));
}

async function until(page, holds, what) {
  const end = Date.now() + SOON;
  while (!(await holds())) {
    assert(Date.now() < end, what);
    await page.waitForTimeout(200);
  }
}

await run(async (page, context) => {
  await setUp(page);
  await logIn(page);
  await page.waitForURL("**/firmwares");
  await page.click("nav.menu >> text=Active sessions");
  await page.waitForURL("**/active-sessions");
  await page.waitForSelector("text=4-eyes authorization");
  await page.waitForSelector("text=session-exec");
  await look(page, "four-eyes");
  await press(page, "Agree");
  await page.waitForSelector("text=4-eyes authorization", { state: "detached" });
  say("agreed to the session");

  const [live] = await Promise.all([context.waitForEvent("page"), page.getByRole("link", { name: "Follow" }).click()]);
  const broken = [];
  live.on("pageerror", (error) => broken.push(error.message));
  await live.setViewportSize({ width: 1280, height: 900 });
  await until(live, async () => (await counted(live)).length > 1, "the player shows nothing");
  const [first] = (await counted(live)).slice(-1);
  await until(live, async () => (await counted(live)).slice(-1)[0] > first, "the player stands still");
  await keep(live, "followed");
  await page.waitForFunction(() => [...document.querySelectorAll("#active td")].some((cell) => cell.textContent === "1"));
  await look(page, "active-sessions");
  say("followed the session");

  await press(page, "Terminate");
  await live.waitForSelector("#state[data-ended]");
  assert(broken.length === 0, broken.join("; "));
  await keep(live, "followed-to-its-end");
  await page.waitForSelector("text=Nobody is connected.");
  say("ended the session");

  await page.click("nav.menu >> text=/^Sessions$/");
  await page.waitForURL("**/search/sessions*");
  await look(page, "sessions");
  await page.locator("#found tbody a").first().click();
  await page.waitForSelector("text=terminated");
  await look(page, "session");
  await page.getByRole("link", { name: "Play" }).click();
  await page.waitForSelector("#events button");
  await page.locator(".ap-overlay-start, .ap-player").first().click();
  await until(page, async () => (await counted(page)).length > 1, "the recording shows nothing");
  await keep(page, "played");

  // What it showed is found, and played from there.
  const search = new URL("/search/sessions?content=%22count+2%22", base).href;
  await page.goto(search);
  await until(page, async () => (await page.reload()) && (await page.locator(".hits mark").count()) > 0, "the content is not found");
  assert((await page.locator(".hits mark").first().innerText()) === "count 2", "another place is marked");
  await look(page, "content");
  await page.locator(".hits a").first().click();
  await page.waitForSelector("#events button");
  await page.locator(".ap-overlay-start, .ap-player").first().click();
  await until(page, async () => (await counted(page)).includes(2), "the recording does not show what was found");
  await keep(page, "played-from-there");
  say("found it by what it showed");
});
