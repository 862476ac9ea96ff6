// Times in the viewer's zone, ages that go on, and pages that follow what happens. Every page is
// complete without this.
"use strict";
(() => {
  const $ = (what, where = document) => where.querySelector(what);
  const all = (what, where = document) => [...where.querySelectorAll(what)];

  // -- Times. The server's clock counts: ages are told as from there.
  let ahead = 0;
  const asOf = () => {
    const time = $("header.bar time");
    if (time) ahead = Date.parse(time.dateTime) - Date.now();
  };
  const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  const short = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const day = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric" });
  const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
  const span = (s) => {
    if (s < 60) return s + " s";
    const m = Math.floor(s / 60);
    if (m < 60) return m + " min";
    const h = Math.floor(m / 60);
    if (h < 48) return h + " h" + (m % 60 ? " " + (m % 60) + " min" : "");
    return Math.floor(h / 24) + " days";
  };
  const distance = (at) => {
    const s = (at - Date.now() - ahead) / 1000;
    return s > 0 ? "in " + span(Math.ceil(s)) : span(Math.floor(-s)) + " ago";
  };
  const put = (node, text) => { if (node.textContent !== text) node.textContent = text; };
  const ages = () => {
    for (const time of all("time[datetime]")) {
      const at = Date.parse(time.dateTime);
      if (time.className === "age") put(time, distance(at));
      else if (time.className === "due") put(time, at - Date.now() - ahead > 0 ? distance(at) : "now");
      else if (time.nextElementSibling?.className === "ago") put(time.nextElementSibling, distance(at));
    }
  };
  const zones = () => {
    const today = day.format(Date.now() + ahead);
    for (const time of all("time[datetime]")) {
      const at = Date.parse(time.dateTime);
      if (isNaN(at)) continue;
      time.title = whole.format(at) + " (" + time.dateTime + ")";
      if (time.className) continue;
      const date = day.format(at);
      put(time, time.closest(".axis") ? short.format(at) : (date === today ? "" : date + " ") + clock.format(at));
    }
  };
  const times = () => { zones(); ages(); };

  // -- One tree becomes like another: what stays the same stays the same node, so that focus, scroll
  // -- and what is unfolded or typed are kept.
  const attributes = (have, want) => {
    for (const { name } of [...have.attributes]) {
      if (!want.hasAttribute(name) && name !== "open") have.removeAttribute(name);
    }
    for (const { name, value } of want.attributes) {
      if (have.getAttribute(name) !== value) have.setAttribute(name, value);
    }
  };
  const isKept = (node) => node.nodeName === "FORM" || node.id === "live";
  // A section is known by its heading's id: others come and go before it.
  const key = (node) => (node.nodeType === 1 && (node.id || node.getAttribute("aria-labelledby"))) || "";
  const same = (have, want) => have.nodeType === want.nodeType && have.nodeName === want.nodeName && key(have) === key(want);
  const become = (have, want) => {
    if (have.nodeType !== 1) {
      if (have.nodeValue !== want.nodeValue) have.nodeValue = want.nodeValue;
    } else if (!isKept(have)) {
      attributes(have, want);
      children(have, want);
    }
  };
  const children = (have, want) => {
    const keys = new Map([...have.children].filter(key).map((node) => [key(node), node]));
    let at = have.firstChild;
    for (const next of [...want.childNodes]) {
      let mine = key(next) ? keys.get(key(next)) : at && same(at, next) ? at : null;
      if (mine && !same(mine, next)) mine = null;
      if (!mine) {
        const made = document.importNode(next, true);
        if (next.nodeName === "LI" && have.className === "wrong") made.classList.add("fresh");
        have.insertBefore(made, at);
      } else {
        if (mine === at) at = at.nextSibling;
        else have.insertBefore(mine, at);
        become(mine, next);
      }
    }
    while (at) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
  };
  const show = (text) => {
    const page = new DOMParser().parseFromString(text, "text/html");
    if (!$("#main", page)) return false;
    const focused = document.activeElement;
    become($("#main"), $("#main", page));
    become($("header.bar"), $("header.bar", page));
    if (document.title !== page.title) document.title = page.title;
    const icon = $("link[rel=icon]", page).getAttribute("href");
    if ($("link[rel=icon]").getAttribute("href") !== icon) $("link[rel=icon]").setAttribute("href", icon);
    document.body.dataset.told = page.body.dataset.told;
    if (focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
    asOf();
    times();
    return true;
  };

  // -- Live: told by the server, or asking now and then where that cannot be had.
  const live = document.body.dataset.live;
  let status = "";
  const say = (word) => { if (status !== word) { status = word; put($("#live"), word); } };
  let timer = 0, due = Infinity, busy = false, stream = null, told = 0;
  const SELDOM = 30000, OFTEN = 5000;
  const in_ = (ms) => {
    const at = Date.now() + ms;
    if (at >= due) return;
    due = at;
    clearTimeout(timer);
    timer = setTimeout(refresh, ms);
  };
  const isLive = () => stream && stream.readyState === 1;
  const refresh = async () => {
    due = Infinity;
    if (busy) return in_(200);
    busy = true;
    // One that is stopped answers nothing, and its connections stay open.
    const patience = new AbortController();
    const end = setTimeout(() => patience.abort(), 10000);
    try {
      const answer = await fetch(location.href.split("#")[0], {
        cache: "no-store", headers: { accept: "text/html" }, signal: patience.signal,
      });
      if (answer.redirected) return say("Signed out: reload the page");
      if (answer.status < 500 && show(await answer.text())) say(isLive() ? "Live" : "Every " + OFTEN / 1000 + " s");
      else say("Not answered: what is shown is old");
    } catch {
      say("Not reached: what is shown is old");
    } finally {
      clearTimeout(end);
      busy = false;
      in_(isLive() ? SELDOM : OFTEN);
    }
  };
  const listen = () => {
    if (!window.EventSource) return in_(OFTEN);
    stream = new EventSource(live);
    const news = () => in_(50 + Math.random() * 350);
    stream.addEventListener("hello", (event) => {
      told = Object.values(JSON.parse(event.data).clusters || {}).reduce((sum, one) => sum + one, 0);
      if (String(told) !== document.body.dataset.told) news();
    });
    stream.addEventListener("message", news);
    stream.addEventListener("open", () => { say("Live"); in_(SELDOM); });
    stream.addEventListener("error", () => {
      in_(OFTEN);
      if (stream.readyState === 2) setTimeout(listen, 60000);
    });
  };

  // -- Keys: / to search, j and k from one failure to the next. They can be switched off.
  const KEYS = "connect-warden-keys";
  const stored = () => { try { return localStorage.getItem(KEYS); } catch { return null; } };
  let keys = stored() !== "off";
  const step = (by) => {
    const stops = all(".wrong > li h3 a, .wrong > li .members a");
    const at = stops.indexOf(document.activeElement);
    const next = stops[at < 0 ? (by > 0 ? 0 : stops.length - 1) : at + by];
    if (next) next.focus();
  };
  document.addEventListener("keydown", (event) => {
    if (!keys || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
    if (event.key === "/" && $("#q")) { $("#q").focus(); $("#q").select(); }
    else if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else return;
    event.preventDefault();
  });
  const toggle = document.createElement("button");
  toggle.type = "button";
  toggle.className = "quiet";
  const label = () => {
    toggle.setAttribute("aria-pressed", String(keys));
    put(toggle, keys ? "Keys / j k: on" : "Keys / j k: off");
  };
  toggle.addEventListener("click", () => {
    keys = !keys;
    try { localStorage.setItem(KEYS, keys ? "on" : "off"); } catch { /* It holds for this page. */ }
    label();
  });
  label();
  $("footer").append(toggle);

  // -- A filter that is empty is not in the URL.
  document.addEventListener("formdata", (event) => {
    if (event.target.method !== "get") return;
    for (const [name, value] of [...event.formData]) if (!value) event.formData.delete(name);
  });

  asOf();
  times();
  setInterval(ages, 1000);
  if (live) {
    listen();
    window.addEventListener("pageshow", (event) => { if (event.persisted) in_(0); });
  }
})();
