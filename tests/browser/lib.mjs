// What the stories share: a browser, pictures, and the checks every page must pass.
//
// A story is a program: it gets the appliance's address and a folder for pictures by its environment, prints what it does, and
// ends with an error at the first surprise. Programs and libraries come from the folder SPS_BROWSER.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import path from "node:path";

const tools = createRequire(path.join(process.env.SPS_BROWSER, "package.json"));
const { chromium } = tools("playwright-core");
const axe = readFileSync(tools.resolve("axe-core/axe.min.js"), "utf8");

export const base = process.env.SPS_URL;
export const password = "correct horse battery";
// An emulated appliance takes its time.
export const SOON = 60_000;
export const BOOT = 300_000;

const PHONE = { width: 360, height: 780 };
const DESKTOP = { width: 1280, height: 900 };

export async function open() {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: DESKTOP });
  const page = await context.newPage();
  page.setDefaultTimeout(SOON);
  page.setDefaultNavigationTimeout(SOON);
  const broken = [];
  page.on("pageerror", (error) => broken.push(error.message));
  page.on("console", (message) => {
    if (message.text().includes("Content Security Policy")) broken.push(message.text());
  });
  return { browser, context, page, broken };
}

// Looks at a page as a phone and as a desktop, in light and dark: nothing sticks out, axe finds nothing, a picture is kept.
export async function look(page, name) {
  for (const [form, size] of Object.entries({ phone: PHONE, desktop: DESKTOP })) {
    for (const scheme of ["dark", "light"]) {
      await page.setViewportSize(size);
      await page.emulateMedia({ colorScheme: scheme });
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      assert(width <= size.width, `${name} is ${width} pixels wide on a ${form}`);
      const session = await page.context().newCDPSession(page);
      // Past the page's own policy, which lets no script of a stranger in.
      const expression = `${axe};axe.run(document).then((found) => JSON.stringify(found.violations.map(
        ({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 200))])))`;
      const { result } = await session.send("Runtime.evaluate", { expression, awaitPromise: true });
      await session.detach();
      assert(result.value === "[]", `axe on ${name}, ${form}, ${scheme}: ${result.value ?? JSON.stringify(result)}`);
    }
    if (process.env.SPS_PICTURES) {
      await page.screenshot({ path: path.join(process.env.SPS_PICTURES, `${name}-${form}.png`), fullPage: true });
    }
  }
  say(`looked at ${name}`);
}

// Keeps a picture of a page as it is, if pictures are kept.
export async function keep(page, name) {
  if (!process.env.SPS_PICTURES) return;
  await page.screenshot({ path: path.join(process.env.SPS_PICTURES, `${name}.png`), fullPage: true });
}

export function say(words) {
  console.log(words);
}

export function assert(holds, words) {
  if (!holds) throw new Error(words);
}

// Presses the button of this name.
export async function press(page, name) {
  await page.getByRole("button", { name, exact: true }).click();
}

export async function logIn(page) {
  await page.fill("#user", "admin");
  await page.fill("#password", password);
  await press(page, "Log in");
}

export async function setUp(page) {
  await page.goto(`${base}/`);
  await page.waitForURL("**/setup");
  await page.fill("#password", password);
  await page.fill("#password-again", password);
  await page.fill("#host", "gate-01");
  await page.selectOption("#zone", "Europe/Vienna");
  await press(page, "Set up");
  await page.waitForURL("**/login");
}

// Ticks the box and reboots; the browser is back on the page of the slots when this returns.
// With `reload` the boot page is loaded again meanwhile, and still leads back.
export async function reboot(page, why, { reload = false } = {}) {
  await page.goto(`${base}/basic-settings/system/system-control`);
  await page.fill("#reboot-message", why);
  await page.check("#reboot-sure");
  await page.click("button[value=reboot]");
  await page.waitForURL("**/boot", { timeout: BOOT });
  say("the boot page shows the new boot");
  if (reload) await page.reload();
  await page.waitForURL("**/firmwares", { timeout: BOOT });
}

export async function run(story) {
  const { browser, context, page, broken } = await open();
  try {
    await story(page, context);
    assert(broken.length === 0, `the page broke: ${broken.join("; ")}`);
  } catch (error) {
    if (process.env.SPS_PICTURES) {
      await page.screenshot({ path: path.join(process.env.SPS_PICTURES, "failed.png") }).catch(() => {});
    }
    console.error(`${error.stack}\nat ${page.url()}`);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
}
