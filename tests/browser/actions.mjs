// What an administrator can do, and nobody else.

export const actions = async ({ open, blame, say, fleets, shots, checked }) => {
  const where = "actions";
  const fleet = fleets.find((one) => one.name === "users");
  const as = (username) => open(where, {
    viewport: { width: 1200, height: 800 },
    httpCredentials: { username, password: `password of ${username}` },
  });
  const at = (path) => new URL(path, fleet.url).href;
  const connector = "/clusters/main/connectors/orders-sink";
  const shown = async (page, text) => {
    const main = await page.locator("main").innerText();
    if (!main.includes(text)) blame(where, `${page.url()} does not say "${text}": ${main.slice(0, 300)}`);
  };

  const bob = await as("bob");
  for (const path of [connector, "/watchdog"]) {
    await bob.page.goto(at(path));
    if (await bob.page.locator("a[href*='/act']").count()) blame(where, `bob sees actions on ${path}`);
  }
  bob.page.expected = "403";
  const refused = await bob.page.goto(at("/act?do=restart&cluster=main&connector=orders-sink"));
  if (refused.status() !== 403) blame(where, `bob is asked: ${refused.status()}`);
  const sent = await bob.page.request.post(at("/act"), { form: { do: "pause", cluster: "main", connector: "orders-sink" } });
  if (sent.status() !== 403) blame(where, `bob may do it: ${sent.status()}`);
  await bob.context.close();

  const { page, context } = await as("ann");
  const token = await page.request.post(at("/act"), { form: { do: "pause", cluster: "main", connector: "orders-sink" } });
  if (token.status() !== 403) blame(where, `a form without a token is taken: ${token.status()}`);

  // By the keyboard: to the button, into it, and through the question.
  await page.goto(at(connector));
  await page.locator("main").focus();
  for (let n = 0; n < 30; n += 1) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(() => document.activeElement.textContent.trim()) === "Restart what is failed") break;
  }
  await page.keyboard.press("Enter");
  await page.waitForURL("**/act?**");
  await shown(page, "POST /connectors/orders-sink/restart?includeTasks=true&onlyFailed=true");
  await shown(page, "ann");
  await checked(page, `${where}-ask`);
  await page.screenshot({ path: `${shots}/actions-ask.png`, fullPage: true });
  await page.locator("button[type=submit]").focus();
  await page.keyboard.press("Enter");
  await page.waitForURL("**/act");
  await shown(page, "Done: accepted");
  await checked(page, `${where}-outcome`);
  await page.screenshot({ path: `${shots}/actions-outcome.png`, fullPage: true });
  await page.getByRole("link", { name: "Back" }).click();
  await page.waitForURL("**/orders-sink");
  await shown(page, "by ann");
  await checked(page, `${where}-connector`);
  await page.screenshot({ path: `${shots}/actions-connector.png`, fullPage: true });

  await page.goto(at("/watchdog"));
  await page.getByRole("link", { name: "Silence connectors" }).click();
  await page.locator("input[name=connector]").fill("orders-.*");
  await page.locator("input[name=reason]").fill("<b>the database moves</b>");
  await checked(page, `${where}-silence`);
  await page.screenshot({ path: `${shots}/actions-silence.png`, fullPage: true });
  await page.locator("button[type=submit]").click();
  await shown(page, "leaves orders-.* alone until");
  await page.getByRole("link", { name: "Back" }).click();
  await shown(page, "<b>the database moves</b>");
  await page.getByRole("link", { name: "Take back" }).click();
  await page.locator("button[type=submit]").click();
  await shown(page, "is taken back");

  for (const [link, says] of [["Kill switch: stop every restart", "The kill switch is on"], ["Turn the kill switch off", "The kill switch is off"]]) {
    await page.goto(at("/watchdog"));
    await page.getByRole("link", { name: link }).click();
    await page.locator("button[type=submit]").click();
    await shown(page, says);
  }
  await page.goto(at("/watchdog"));
  await checked(page, `${where}-watchdog`);
  await page.screenshot({ path: `${shots}/actions-watchdog.png`, fullPage: true });
  await context.close();
  say("did what an administrator does");
};
