// Inside Shopify's iframe nothing can be asked for without a session token, and a plain link or form cannot carry one.
// So links are followed and forms are sent from here, with the token of App Bridge, and the page is swapped for the
// answer. Nothing is kept: no cookie, no storage.
(() => {
  "use strict";
  const { gone: GONE, away: AWAY } = document.body.dataset;
  const LANGUAGE = document.documentElement.lang;
  let latest = 0;

  const ours = (address) => {
    const url = new URL(address, location.href);
    return url.origin === location.origin ? url : null;
  };

  async function ask(url, options) {
    const once = async () => {
      const token = await shopify.idToken();
      return fetch(url, { ...options, headers: { Accept: "text/html", "Accept-Language": LANGUAGE, Authorization: `Bearer ${token}` } });
    };
    const first = await once();
    return first.status === 401 ? once() : first;
  }

  async function go(url, options = {}, keep = true) {
    const mine = ++latest;
    shopify.loading(true);
    try {
      const answer = await ask(url, options);
      if (mine !== latest) return;
      const kind = answer.headers.get("Content-Type") || "";
      if (/^attachment/.test(answer.headers.get("Content-Disposition") || "")) await save(answer);
      else if (kind.startsWith("text/html")) swap(await answer.text(), clean(answer.url), keep, options.method === "POST");
      else complain(answer.status === 401 ? GONE : await answer.text());
    } catch (error) {
      if (mine === latest) complain(AWAY);
    } finally {
      if (mine === latest) shopify.loading(false);
    }
  }

  // What Shopify adds to the first address is of no use later, and the proof in it is nobody's business.
  function clean(address) {
    const url = new URL(address);
    for (const name of ["id_token", "session", "hmac", "timestamp"]) url.searchParams.delete(name);
    return url;
  }

  function swap(text, url, keep, sent) {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    const page = document.querySelector("s-page");
    const [old, main] = [document.getElementById("sb-main"), fresh.getElementById("sb-main")];
    if (!main) return complain(AWAY);
    if (keep && url.href !== location.href) history.pushState(null, "", url);
    document.title = fresh.title;
    page.setAttribute("heading", fresh.querySelector("s-page").getAttribute("heading"));
    old.replaceWith(document.adoptNode(main));
    const said = sent && (main.querySelector("[role=alert]") || main.querySelector("[error]") || main.querySelector("[role=status]"));
    if (said && !said.hasAttribute("error")) said.tabIndex = -1; // a field takes the focus by itself
    (said || main).focus({ preventScroll: true });
    if (said) said.scrollIntoView({ block: "nearest" });
    else scrollTo(0, 0);
  }

  async function save(answer) {
    const name = /filename\*=UTF-8''([^;]+)/.exec(answer.headers.get("Content-Disposition"));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = name ? decodeURIComponent(name[1]) : "file";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  function complain(text) {
    const main = document.getElementById("sb-main");
    main.querySelector("[data-trouble]")?.remove();
    const box = document.createElement("div");
    const banner = document.createElement("s-banner");
    box.setAttribute("role", "alert");
    box.dataset.trouble = "";
    box.tabIndex = -1;
    banner.setAttribute("tone", "critical");
    banner.textContent = text.trim();
    box.append(banner);
    main.prepend(box);
    box.focus();
  }

  // A consent that is waited for: the window of the marketplace, and whether the answer has come.
  const WINDOW = "storebridge-consent";
  const EVERY = 2000; // milliseconds
  const waits = () => document.querySelector("[data-consent=waits]");

  function openWindow(event, link) {
    const opened = /^https?:$/.test(link.protocol) && window.open("", WINDOW, "popup,width=640,height=760");
    if (!opened) return; // held back: the link opens a tab
    event.preventDefault();
    opened.opener = null;
    opened.location.replace(link.href);
    opened.focus();
  }

  async function look() {
    const mine = latest;
    try {
      const answer = waits() ? await ask(location.href, {}) : null;
      if (answer?.ok && mine === latest && !(await answer.text()).includes('data-consent="waits"')) go(location.href, {}, false);
    } catch {
      // it does not answer right now, and is asked again
    }
    setTimeout(look, EVERY);
  }
  setTimeout(look, EVERY);

  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const pressed = event.target.closest("[data-do]");
    const form = pressed?.closest("form");
    if (form) form.dataset.pressed = pressed.dataset.do;
    const link = event.target.closest("a[href], s-link[href], s-button[href]");
    if (!link || link.closest("s-app-nav") || link.hasAttribute("download")) return;
    if (link.dataset.window === "consent") return openWindow(event, link);
    const url = ours(link.getAttribute("href"));
    if (!url || link.getAttribute("target") === "_blank") return;
    event.preventDefault();
    go(url);
  });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented) return;
    event.preventDefault();
    const url = ours(form.getAttribute("action") || location.href);
    const data = new FormData(form);
    const { name, value } = event.submitter || {};
    if (name) data.set(name, value);
    const first = form.querySelector("[data-do]");
    if (first && !data.has("do")) data.set("do", form.dataset.pressed || first.dataset.do);
    delete form.dataset.pressed;
    if (form.method === "post") {
      const files = form.enctype === "multipart/form-data";
      go(clean(url), { method: "POST", body: files ? data : new URLSearchParams(data) });
    } else {
      url.search = new URLSearchParams(data);
      go(url);
    }
  });

  // Shopify's own navigation at the side.
  document.addEventListener("shopify:navigate", (event) => {
    const url = ours(event.target.getAttribute("href") || "");
    if (url) go(url);
  });
  addEventListener("popstate", () => go(location.href, {}, false));
  history.replaceState(null, "", clean(location.href));
})();
