// Takes the pictures of docs/page.md from a running demo: node pictures.mjs URL FOLDER
import { statSync } from "node:fs";
import { chromium } from "playwright-core";

const [, , url, folder] = process.argv;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless=new", "--no-sandbox"],
});
const take = async (name, path, wait, viewport, colorScheme = "light") => {
  const context = await browser.newContext({ viewport, colorScheme, timezoneId: "UTC" });
  const page = await context.newPage();
  await page.goto(new URL(path, url).href);
  await page.locator(wait).first().waitFor({ timeout: 90000 });
  const file = `${folder}/${name}.png`;
  await page.screenshot({ path: file });
  await context.close();
  const { size } = statSync(file);
  console.log(`${file}: ${size} bytes`);
  if (size > 150_000) throw new Error(`${file} is over 150,000 bytes`);
};

const wide = { width: 1100, height: 860 };
// Once the database is away, many fail of one cause.
await take("overview", "/", "li[id^=group]", wide);
await take("connector", "/clusters/orders/connectors/orders-sink", "li[id^=failure]", wide);
await take("watchdog", "/watchdog", "h2", wide, "dark");
await take("phone", "/", "li[id^=failure]", { width: 390, height: 844 });
await browser.close();
