// Looks at every page of every fleet as its user does, and says what is wrong.
//
//   SHOTS=folder node look.mjs NAME=URL...      ONLY=word looks only at what has the word in its name
//
// A line "do: FLEET fail CONNECTOR TASK" on standard output asks whoever started this to do that.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { keyboard } from "./keyboard.mjs";
import { live } from "./live.mjs";
import { views } from "./views.mjs";

const require = createRequire(import.meta.url);
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const shots = process.env.SHOTS ?? "shots";
mkdirSync(shots, { recursive: true });

const fleets = process.argv.slice(2).map((one) => {
  const at = one.indexOf("=");
  return { name: one.slice(0, at), url: one.slice(at + 1) };
});

export const wrong = [];
const say = (text) => console.log(text);
const blame = (where, what) => { wrong.push(`${where}: ${what}`); say(`WRONG ${where}: ${what}`); };

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless=new", "--no-sandbox"],
});

// A page on which everything that a browser complains of is written down.
export const open = async (where, options) => {
  const context = await browser.newContext(options);
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) =>
      console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`));
    globalThis.alert = () => console.error("alert was called");
  });
  const page = await context.newPage();
  page.on("console", (message) => {
    const expected = page.expected && message.text().includes(page.expected);
    if (["error", "warning"].includes(message.type()) && !expected) blame(where, `console: ${message.text()}`);
  });
  page.on("pageerror", (error) => blame(where, `script: ${error.message}`));
  page.on("dialog", (dialog) => { blame(where, `dialog: ${dialog.message()}`); dialog.dismiss(); });
  return { page, context };
};

const checked = async (page, where) => {
  const wide = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  if (wide[0] > wide[1]) {
    const who = await page.evaluate(() => [...document.querySelectorAll("body *")]
      .filter((node) => node.getBoundingClientRect().right > innerWidth + 1)
      .slice(0, 3).map((node) => node.outerHTML.slice(0, 120)));
    blame(where, `scrolls sideways: ${wide} ${who}`);
  }
  await page.evaluate(axe);
  const found = await page.evaluate(async () => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const result = await globalThis.axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
    return result.violations.map((one) =>
      `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`);
  });
  for (const one of found) blame(where, `axe ${one}`);
};

const only = process.env.ONLY ?? "";
for (const fleet of fleets) {
  for (const [view, path, status = 200] of views(fleet.name)) {
    for (const [width, height] of [[1440, 900], [390, 844]]) {
      for (const colorScheme of ["light", "dark"]) {
        const where = `${fleet.name}-${view}-${width}-${colorScheme}`;
        if (!where.includes(only)) continue;
        const { page, context } = await open(where, { viewport: { width, height }, colorScheme });
        page.expected = status === 200 ? undefined : `status of ${status}`;
        const answer = await page.goto(new URL(path, fleet.url).href);
        if (answer.status() !== status) blame(where, `status ${answer.status()}, not ${status}`);
        await page.waitForTimeout(150);
        await checked(page, where);
        await page.screenshot({ path: `${shots}/${where}.png`, fullPage: true });
        await context.close();
      }
    }
  }
  say(`looked at ${fleet.name}`);
}

// Without scripts a page has the same words, in UTC.
for (const fleet of fleets) {
  const where = `${fleet.name}-without-scripts`;
  if (!where.includes(only)) continue;
  for (const [view, path, status = 200] of views(fleet.name)) {
    if (status !== 200) continue;
    const text = [];
    for (const javaScriptEnabled of [true, false]) {
      const { page, context } = await open(where, { javaScriptEnabled, timezoneId: "UTC" });
      await page.goto(new URL(path, fleet.url).href);
      const words = javaScriptEnabled
        ? await page.evaluate(() => document.querySelector("main").innerText)
        : await page.locator("main").innerText();
      text.push(words.replace(/\d+ (s|min) ago|in \d+ (s|min)|\d\d:\d\d(:\d\d)?( UTC)?|less than a second/g, "").replace(/[\s\u200b]+/g, " "));
      await context.close();
    }
    if (text[0] !== text[1]) {
      const at = [...text[0]].findIndex((letter, at) => letter !== text[1][at]);
      blame(where, `${view} differs: ${text[0].slice(at - 30, at + 60)} <> ${text[1].slice(at - 30, at + 60)}`);
    }
  }
}

const tools = { open, blame, say, fleets, shots };
if ("keyboard".includes(only)) await keyboard(tools);
if ("live".includes(only)) await live(tools);

await browser.close();
say(wrong.length ? `${wrong.length} things are wrong` : "nothing is wrong");
process.exit(wrong.length ? 1 : 0);
