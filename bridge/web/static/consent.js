// A consent that is waited for: the link opens a window of the marketplace, and the page looks by itself whether the
// answer has come. Where the window is held back, the link opens a tab as it does without a script. The page on which
// the window ends closes it.
(() => {
  "use strict";
  const NAME = "storebridge-consent";
  const EVERY = 2000; // milliseconds
  const waits = document.querySelector("[data-consent=waits]");
  if (document.querySelector("[data-consent=told]") && window.name === NAME) window.close();
  if (!waits) return;

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-window=consent]");
    if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || !/^https?:$/.test(link.protocol)) return;
    const opened = window.open("", NAME, "popup,width=640,height=760");
    if (!opened) return;
    event.preventDefault();
    opened.opener = null;
    opened.location.replace(link.href);
    opened.focus();
  });

  async function look() {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.ok && !(await answer.text()).includes('data-consent="waits"')) return location.reload();
    } catch {
      // it does not answer right now, and is asked again
    }
    setTimeout(look, EVERY);
  }
  setTimeout(look, EVERY);
})();
