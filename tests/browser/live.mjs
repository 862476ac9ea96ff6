// A task fails while pages are open: they show it in time and lose nothing.

const POLL = 1000;
const SLACK = 2000;

export const live = async ({ open, blame, say, fleets, shots }) => {
  const where = "live";
  const fleet = fleets.find((one) => one.name === "three");
  const order = (what) => console.log(`do: three ${what} orders-cdc 0`);

  const { page, context } = await open(where, { viewport: { width: 900, height: 500 } });
  await page.goto(fleet.url + "?sort=name");
  await page.locator("#live", { hasText: "Live" }).waitFor({ timeout: 10000 });
  const before = await page.evaluate(() => {
    const field = document.querySelector("#q");
    field.value = "half a wo";
    field.focus();
    field.setSelectionRange(3, 5);
    document.querySelector("#main").dataset.mine = "the same page";
    window.scrollTo(0, 240);
    return { scroll: scrollY, title: document.title };
  });
  const start = Date.now();
  order("fail");
  const failure = page.locator(".wrong a", { hasText: "orders-cdc" });
  await failure.first().waitFor({ timeout: 15000 }).catch(() => blame(where, "the failure does not appear"));
  const took = Date.now() - start;
  if (took > POLL + SLACK) blame(where, `the failure appears after ${took} ms`);
  say(`a failure is shown after ${took} ms, at polls of ${POLL} ms`);
  const after = await page.evaluate(() => ({
    value: document.querySelector("#q").value,
    focus: document.activeElement.id,
    selection: [document.querySelector("#q").selectionStart, document.querySelector("#q").selectionEnd].join(),
    same: performance.getEntriesByType("navigation").length === 1,
    title: document.title,
    path: location.search,
  }));
  if (after.value !== "half a wo") blame(where, `what was typed became ${after.value}`);
  if (after.focus !== "q" || after.selection !== "3,5") blame(where, `the focus is on ${after.focus} ${after.selection}`);
  if (after.path !== "?sort=name") blame(where, `the filter became ${after.path}`);
  if (after.title === before.title) blame(where, "the title does not show it");
  const moved = Math.abs((await page.evaluate(() => scrollY)) - before.scroll);
  const shifted = await page.evaluate(() => document.querySelector("#main").scrollTop);
  if (moved > 400 || shifted !== 0) blame(where, `the page scrolled by ${moved}`);

  // What is unfolded stays so while the page goes on.
  const other = await open(where, { viewport: { width: 900, height: 700 } });
  await other.page.goto(new URL("/clusters/main/connectors/orders-cdc", fleet.url).href);
  await other.page.locator("details[id^=trace] > summary").first().click();
  await other.page.locator("details[id^=trace] > summary").first().focus();
  order("run");
  await page.locator(".wrong a", { hasText: "orders-cdc" }).first().waitFor({ state: "detached", timeout: 15000 })
    .catch(() => blame(where, "what runs again does not vanish"));
  order("fail");
  await other.page.locator("li[id^=failure]").first().waitFor({ timeout: 15000 });
  const changes = other.page.locator("details#changes");
  await changes.locator("summary").click();
  const many = await changes.locator("li").count();
  order("run");
  await other.page.waitForFunction((n) => document.querySelectorAll("#changes li").length > n, many, { timeout: 15000 })
    .catch(() => blame(where, "the changes do not go on"));
  if (!(await changes.evaluate((node) => node.open))) blame(where, "what was unfolded is folded again");

  // Ages go on between polls.
  const age = () => page.locator("header.bar .ago").innerText();
  const ages = new Set();
  for (let n = 0; n < 8; n += 1) { ages.add(await age()); await page.waitForTimeout(700); }
  if (ages.size < 3) blame(where, `ages stand still: ${[...ages]}`);
  await other.context.close();
  await context.close();

  // Without a stream the page asks by itself.
  const polling = await open(where, { viewport: { width: 900, height: 700 } });
  await polling.context.route("**/api/v1/live", (route) => route.fulfill({ status: 404, body: "no" }));
  polling.page.expected = "404";
  await polling.page.goto(fleet.url);
  order("fail");
  await polling.page.locator(".wrong a", { hasText: "orders-cdc" }).first().waitFor({ timeout: 12000 })
    .catch(() => blame(where, "without a stream nothing is shown"));
  await polling.page.screenshot({ path: `${shots}/live-polling.png` });
  order("run");
  await polling.context.close();
  say("pages followed what happened");
};
