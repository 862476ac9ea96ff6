// With the keyboard alone.

export const keyboard = async ({ open, blame, say, fleets }) => {
  const where = "keyboard";
  const fleet = fleets.find((one) => one.name === "three");
  const { page, context } = await open(where, { viewport: { width: 1440, height: 900 } });
  const active = () => page.evaluate(() => {
    const node = document.activeElement;
    const style = getComputedStyle(node);
    return { text: node.textContent.trim(), id: node.id, href: node.getAttribute("href"), outline: style.outlineStyle };
  });
  await page.goto(fleet.url);

  await page.keyboard.press("Tab");
  if ((await active()).text !== "Skip to the content") blame(where, "the first stop does not skip to the content");
  await page.keyboard.press("Enter");
  if ((await active()).id !== "main") blame(where, "the skip link does not lead to the content");

  // Every link and control is reached by Tab, in the order of the page, and is seen to have focus.
  await page.goto(fleet.url);
  const wanted = await page.evaluate(() => [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, summary")].length);
  let reached = 0;
  for (let n = 0; n < wanted + 5; n += 1) {
    await page.keyboard.press("Tab");
    const now = await active();
    if (now.id === "" && now.href === null && now.text.length > 500) break;
    if (now.outline === "none") blame(where, `no focus is seen on ${now.href ?? now.text ?? now.id}`);
    reached += 1;
    if (await page.evaluate(() => document.activeElement === document.body)) { reached -= 1; break; }
  }
  if (reached < wanted) blame(where, `${reached} of ${wanted} are reached by Tab`);

  // A search, and on to the failure, without a mouse.
  await page.goto(fleet.url);
  await page.keyboard.press("/");
  if ((await active()).id !== "q") blame(where, "/ does not lead to the search");
  await page.keyboard.type("orders-s");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/?q=orders-s");
  await page.keyboard.press("j");
  if (!(await active()).href?.endsWith("/orders-sink")) blame(where, "j does not lead to the first failure");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/connectors/orders-sink");
  const summary = page.locator("details > summary").first();
  await summary.focus();
  await page.keyboard.press("Enter");
  if (!(await page.locator("pre.trace mark").first().isVisible())) blame(where, "the trace does not unfold, or its root cause does not stand out");
  await context.close();
  say("used the keyboard");
};
