// The window of a marketplace in which a seller agrees. This browser never asks the bridge for anything by itself: when
// the window is closed, the page of the admin is loaded anew and shows what has come of it. Where the window is held
// back, the link opens a tab as it does without this script.
(() => {
  "use strict";
  const NAME = "storebridge-consent";
  const EVERY = 500; // milliseconds

  document.addEventListener("click", (event) => {
    const link = event.target.closest(".sb a[data-window=consent]");
    if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || !/^https?:$/.test(link.protocol)) return;
    const opened = window.open("", NAME, "popup,width=640,height=760");
    if (!opened) return;
    event.preventDefault();
    opened.opener = null;
    opened.location.replace(link.href);
    opened.focus();
    // A marketplace may cut the tie to its window, which then counts as closed: so wait for the person to be back here.
    const look = setInterval(() => {
      if (!opened.closed || !document.hasFocus()) return;
      clearInterval(look);
      location.reload();
    }, EVERY);
  });
})();
