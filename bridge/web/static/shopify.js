// Inside Shopify's iframe nothing can be asked for without a session token, and a plain link or form cannot carry one.
// So links are followed and forms are sent from here, with the token of App Bridge, and the page is swapped for the
// answer. Nothing is kept: no cookie, no storage.
(() => {
  "use strict";
  const { gone: GONE, away: AWAY, perhaps: PERHAPS, again: AGAIN, number: NUMBER, busy: BUSY, loading: LOADING } = document.body.dataset;
  const LANGUAGE = document.documentElement.lang;
  const PATIENCE = 300; // milliseconds until a page that is asked for is drawn in outline
  const LONGEST = 30000; // until it is given up; what changes something is waited for as long as it takes
  const OUTLINES = document.getElementById("sb-outlines");
  const PLACES = JSON.parse(OUTLINES.dataset.pages).map(([path, ...rest]) => [new RegExp(`^${path}$`), ...rest]);
  let latest = 0;
  let here = location.pathname;
  let changing = false;

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

  const within = (time, asked) => Promise.race([asked, new Promise((_, late) => setTimeout(late, time, new Error("late")))]);

  async function go(url, options = {}, keep = true) {
    const mine = ++latest;
    const sent = options.method === "POST";
    const again = sent ? null : () => go(url, options, keep);
    shopify.loading(true);
    waiting.begin(new URL(url, location.href), sent);
    try {
      const answer = await (sent ? ask(url, options) : within(LONGEST, ask(url, options)));
      if (mine !== latest) return;
      const kind = answer.headers.get("Content-Type") || "";
      if (/^attachment/.test(answer.headers.get("Content-Disposition") || "")) await save(answer);
      else if (kind.startsWith("text/html")) swap(await answer.text(), clean(answer.url), keep, sent);
      else if (answer.status === 401) complain(GONE);
      else complain(await answer.text(), again, answer.headers.get("X-Request-Id"));
    } catch (error) {
      if (mine === latest) complain(sent ? PERHAPS : AWAY, again);
    } finally {
      if (mine === latest) {
        waiting.end();
        shopify.loading(false);
      }
    }
  }

  // Until the answer comes: the outline of the page that was asked for, in place of the one that was left, which comes
  // back if nothing does. A page that is only narrowed down or sends something stays, and says that it is at work.
  const waiting = (() => {
    const page = document.querySelector("s-page");
    const said = document.getElementById("sb-loading");
    let timer, left;

    function begin(url, sent) {
      clearTimeout(timer);
      timer = setTimeout(() => show(url, sent), PATIENCE);
    }

    function show(url, sent) {
      const main = document.getElementById("sb-main");
      const place = !sent && url.pathname !== here && PLACES.find(([path]) => path.test(url.pathname));
      main.setAttribute("aria-busy", "true");
      said.textContent = place ? LOADING.replace("{}", place[1]) : BUSY;
      if (place) draw(main, place);
    }

    function draw(main, [, title, shape]) {
      left ??= { main, heading: page.getAttribute("heading"), at: scrollY, held: document.activeElement };
      document.getElementById("sb-outline")?.remove();
      const outline = OUTLINES.content.querySelector(`[data-shape=${shape}]`).cloneNode(true);
      outline.id = "sb-outline";
      page.setAttribute("heading", title);
      main.hidden = true;
      main.after(outline);
      outline.focus({ preventScroll: true });
      scrollTo(0, 0);
    }

    // Where the page that was left has not been swapped for another one, it is there again as it was.
    function end() {
      clearTimeout(timer);
      said.textContent = "";
      document.getElementById("sb-outline")?.remove();
      document.getElementById("sb-main").removeAttribute("aria-busy");
      if (left?.main.isConnected) {
        left.main.hidden = false;
        page.setAttribute("heading", left.heading);
        scrollTo(0, left.at);
        left.held?.focus({ preventScroll: true });
      }
      left = null;
    }

    return { begin, end };
  })();

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
    if (!main) return complain(sent ? PERHAPS : AWAY);
    here = url.pathname;
    if (keep && url.href !== location.href) history.pushState(null, "", url);
    document.title = fresh.title;
    page.setAttribute("heading", fresh.querySelector("s-page").getAttribute("heading"));
    old.replaceWith(document.adoptNode(main));
    waiting.end();
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

  // ``again``: asks once more; ``number``: of the request, in the log.
  function complain(text, again, number) {
    waiting.end();
    const main = document.getElementById("sb-main");
    main.querySelector("[data-trouble]")?.remove();
    const box = document.createElement("div");
    const banner = document.createElement("s-banner");
    box.setAttribute("role", "alert");
    box.dataset.trouble = "";
    box.tabIndex = -1;
    banner.setAttribute("tone", "critical");
    banner.textContent = text.trim() + (number ? ` ${NUMBER} ${number}` : "");
    if (again) {
      const button = document.createElement("s-button");
      button.textContent = AGAIN;
      button.addEventListener("click", again);
      banner.append(" ", button);
    }
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
    if (changing) return; // pressed twice
    const url = ours(form.getAttribute("action") || location.href);
    const data = new FormData(form);
    const { name, value } = event.submitter || {};
    if (name) data.set(name, value);
    const first = form.querySelector("[data-do]");
    if (first && !data.has("do")) data.set("do", form.dataset.pressed || first.dataset.do);
    delete form.dataset.pressed;
    if (form.method === "post") {
      const files = form.enctype === "multipart/form-data";
      const button = form.querySelector(`s-button[data-do="${CSS.escape(data.get("do"))}"]`);
      button?.setAttribute("loading", "");
      changing = true;
      go(clean(url), { method: "POST", body: files ? data : new URLSearchParams(data) }).finally(() => {
        button?.removeAttribute("loading");
        changing = false;
      });
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
