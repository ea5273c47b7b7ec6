// An upgrade with nothing but a browser, which reorganizes the data store of an appliance that has worked for years; then one that breaks and comes back with the reason.
import { BOOT, SOON, assert, base, logIn, look, press, reboot, run, say, setUp } from "./lib.mjs";

const FIRMWARES = `${base}/basic-settings/system/firmwares`;

// Tests the firmware in a slot on its page, with everything confirmed, and chooses it there.
async function testAndChoose(page, version, picture) {
  await row(page, version).getByRole("link", { name: "Test…" }).click();
  for (const name of ["notes", "backup", "snapshot"]) await page.check(`#confirm-${name}`);
  await press(page, "Test");
  // In the middle of it the page is loaded again and finds the job.
  await page.waitForSelector("#jobs .job:has-text('irmware test')");
  await page.reload();
  await page.waitForSelector("#found .notice[data-weight=success]", { timeout: BOOT });
  if (picture) await look(page, picture);
  await press(page, "Boot after reboot");
  await page.waitForSelector("text=boots at the next reboot");
}

// A file that is none is refused with its reason; a licence is shown, and still there after the upgrade.
async function installLicense(page) {
  await page.click("nav.menu >> text=License");
  await page.waitForSelector("text=this appliance is a demo");
  await page.setInputFiles("#license-file", { name: "x.licence", mimeType: "text/plain", buffer: Buffer.from("nonsense") });
  await press(page, "Upload");
  await page.waitForSelector(".notice[data-weight=error]");
  await page.setInputFiles("#license-file", process.env.SPS_LICENCE);
  await press(page, "Upload");
  await page.waitForSelector("#license >> text=Example Ltd.");
  await look(page, "license");
}

// What the first start will take, before it is chosen to happen.
async function readEstimate(page) {
  await page.goto(`${base}/basic-settings/system/upgrade`);
  await page.waitForSelector("#estimate >> text=Time without connections");
  await page.waitForSelector("#estimate >> text=Enough");
  await page.waitForSelector("#steps >> text=Version 0.2.0 boots at the next reboot");
  await look(page, "upgrade-before");
}

// What it took, and that everything earlier is found: at once by time, and in every order once it is imported.
async function seeWhatItDid(page) {
  await page.goto(`${base}/basic-settings/system/upgrade`);
  await page.waitForSelector("#reorganized >> text=1 (5.0)");
  await page.waitForSelector("#steps >> text=Keep it for good, or go back");
  await look(page, "upgrade-after");
  await page.goto(`${base}/search/sessions?protocol=ssh`);
  await page.waitForSelector("#found tbody tr");
  await page.goto(`${base}/basic-settings/system-monitor`);
  // The page follows the import by itself.
  await page.waitForSelector("#import >> text=All earlier sessions are imported", { timeout: BOOT });
  await page.check("#adopt");
  await press(page, "Check everything");
  await page.waitForSelector("#check .job[data-state=done]", { timeout: SOON });
  await look(page, "monitor");
  await page.goto(`${base}/search/sessions?protocol=rdp&sort=target`);
  const protocols = await page.locator("#found td[data-label=Protocol]").allTextContents();
  assert(protocols.length > 0 && protocols.every((found) => found === "RDP"), `searched for RDP: ${protocols}`);
  await look(page, "search");
  await page.click("#found tbody tr:first-child a");
  await page.waitForSelector("#about >> text=Connection policy");
  await look(page, "session");
}

const row = (page, version) => page.locator("#slots tbody tr", { hasText: version });

async function upload(page, file, version) {
  await page.goto(FIRMWARES);
  await page.setInputFiles("#firmware", file);
  await press(page, "Upload");
  // Reloading in the middle finds the job again.
  // The file has arrived; what follows needs nobody to wait for it.
  const newest = "#jobs .job:first-child";
  await page.waitForSelector(`${newest}:has-text("erifying the firmware"), ${newest}:has-text("irmware add"):not([data-state=running])`);
  await page.reload({ waitUntil: "commit" }).catch(() => {});
  await page.waitForSelector(`#jobs .job:has-text("ersion ${version} is in slot")`, { timeout: BOOT });
  say(`${version} is in a slot`);
}

await run(async (page) => {
  await setUp(page);
  await logIn(page);
  await page.waitForURL("**/firmwares");
  await installLicense(page);
  await upload(page, process.env.SPS_GOOD, "0.2.0");
  await look(page, "uploaded");
  assert((await row(page, "0.2.0").getByRole("button", { name: "Boot after reboot" }).count()) === 0, "not tested, but offered");
  await testAndChoose(page, "0.2.0", "tested");
  await look(page, "pending");
  await readEstimate(page);
  await reboot(page, "to upgrade", { reload: true });
  await page.waitForSelector(".top .version:has-text('0.2.0')");
  assert((await row(page, "0.2.0").textContent()).includes("Healthy"), "0.2.0 is not healthy");
  // The upgrade itself is a job: done when the new firmware runs and is healthy.
  await page.waitForSelector("#jobs .job[data-state=done]:has-text('pgrade to version 0.2.0')", { timeout: SOON });
  await look(page, "on-trial");
  await seeWhatItDid(page);
  await page.goto(FIRMWARES);
  await press(page, "Keep it for good now");
  await page.waitForSelector("#slots >> text=Committed");
  await page.goto(`${base}/basic-settings/system/license`);
  await page.waitForSelector("#license >> text=Example Ltd.");

  await upload(page, process.env.SPS_BROKEN, "0.3.0");
  await testAndChoose(page, "0.3.0");
  await reboot(page, "to break it");
  await page.goto(`${base}/basic-settings/system/version-details`);
  await page.waitForSelector("text=Version 0.3.0 was left and version 0.2.0 runs again.", { timeout: SOON });
  await look(page, "rolled-back");
  await page.goto(FIRMWARES);
  await page.waitForSelector("#jobs .job[data-state=failed]:has-text('pgrade to version 0.3.0')", { timeout: SOON });
  await page.goto(`${base}/basic-settings/troubleshooting`);
  assert((await page.locator("#bundles a").count()) >= 2, "no bundle was kept before the upgrades");
  await look(page, "troubleshooting");
  await page.goto(`${base}/users-access-control/changes`);
  await page.waitForSelector("text=to break it");
  await look(page, "changes-after");
});
