// From the first start to the first login, then every page; reload and logout.
import { SOON, assert, base, keep, logIn, look, password, press, run, setUp } from "./lib.mjs";

const WALL = { width: 3840, height: 2160 };

// Everything that is read and every form works without a script, on a wall screen.
async function withoutScript(context) {
  const plain = await context.browser().newContext({ ignoreHTTPSErrors: true, javaScriptEnabled: false, viewport: WALL });
  const page = await plain.newPage();
  page.setDefaultTimeout(SOON);
  await page.goto(`${base}/`);
  await page.waitForURL("**/login*");
  await logIn(page);
  await page.waitForURL("**/firmwares");
  await page.waitForSelector("#slots tbody tr >> nth=0");
  await page.setInputFiles("#firmware", { name: "x.iso", mimeType: "application/x-iso9660-image", buffer: Buffer.alloc(4096) });
  await press(page, "Upload");
  await page.waitForURL("**/firmwares*");
  for (let looks = 0; (await page.locator("#jobs .job[data-state=failed]").count()) === 0; looks += 1) {
    assert(looks < 100, "the upload is not told");
    await page.reload();
  }
  await keep(page, "without-script");
  await page.goto(`${base}/boot`);
  await page.waitForSelector("#log .line.info");
  await plain.close();
}

await run(async (page, context) => {
  await page.goto(`${base}/`);
  await page.waitForURL("**/setup");
  await look(page, "setup");
  await page.fill("#password", password);
  await page.fill("#password-again", "something else");
  await page.fill("#host", "gate-01");
  await press(page, "Set up");
  await page.waitForSelector("text=The two passwords are not the same");
  assert((await page.inputValue("#host")) === "gate-01", "what was typed is lost");
  await setUp(page);
  await look(page, "login");
  await page.fill("#user", "admin");
  await page.fill("#password", "wrong password");
  await press(page, "Log in");
  await page.waitForSelector("text=User name and password do not fit together.");
  await logIn(page);
  await page.waitForURL("**/firmwares");
  const [cookie] = await context.cookies();
  assert(cookie.name === "session_id" && cookie.secure && cookie.httpOnly, JSON.stringify(cookie));
  await look(page, "firmwares");
  for (const [name, title] of [
    ["version-details", "Version details"],
    ["system-control", "System control"],
  ]) {
    await page.click(`nav.menu >> text=${title}`);
    await page.waitForURL(`**/${name}`);
    await look(page, name);
  }
  await page.click("nav.menu >> text=Changes");
  await page.waitForSelector("text=Set the appliance up".toLowerCase());
  await look(page, "changes");
  await page.goto(`${base}/design`);
  await look(page, "design");
  await page.goto(`${base}/boot`);
  await page.waitForSelector("#log .line.info");
  await page.goto(`${base}/`);
  await page.waitForURL("**/firmwares");
  await withoutScript(context);
  await press(page, "Log out");
  await page.waitForSelector("text=You are logged out.");
  await page.goto(`${base}/users-access-control/changes`);
  await page.waitForURL("**/login?next=*");
});
