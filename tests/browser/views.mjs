// Which pages of a fleet are looked at: a name, a path, the status.

const connector = (name) => ["", ".", ".."].includes(name)
  ? `/connector?cluster=main&name=${encodeURIComponent(name)}`
  : `/clusters/main/connectors/${encodeURIComponent(name)}`;

const EVIL = {
  script: "<script>alert(1)</script>",
  dots: "..",
  slash: "a/b",
  hebrew: "\u202egnp.exe \u05d0\u05d1\u05d2",
  long: "w".repeat(200),
  lines: "tab\tand\nline",
};

export const views = (fleet) => {
  const always = [
    ["overview", "/"],
    ["workers", "/clusters/main/workers"],
    ["watchdog", "/watchdog"],
  ];
  const failing = { three: "orders-sink", hundreds: "c00001", thousands: "c00000" }[fleet];
  const more = {
    none: [["no-page", "/nowhere", 404], ["bad-filter", "/?state=dead", 400]],
    three: [["no-connector", "/clusters/main/connectors/order-sink", 404], ["well", connector("orders-cdc")]],
    hundreds: [["filtered", "/?state=failed&class=TRANSIENT&q=C00"]],
    thousands: [["filtered", "/?class=AUTH&sort=-name"], ["page-2", "/?page=2&sort=name"], ["no-match", "/?q=nothing-is-called-so"]],
    evil: Object.entries(EVIL).map(([what, name]) => [what, connector(name)]),
  }[fleet] ?? [];
  return [...always, ...(failing ? [["connector", connector(failing)]] : []), ...more];
};
