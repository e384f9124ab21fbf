// Stands in for Shopify's App Bridge: the token comes from the test, everything asked of it is written down.
(() => {
  const calls = (window.__calls = []);
  const note = (name) => (...given) => { calls.push([name, ...given]); };
  window.shopify = {
    config: { apiKey: document.querySelector("meta[name=shopify-api-key]").content },
    ready: Promise.resolve(),
    idToken: () => window.mintToken(),
    // Not App Bridge's: somebody follows the navigation at the side to ``path``.
    visit: (path) => {
      const link = document.createElement("s-link");
      link.setAttribute("href", path);
      document.querySelector("s-app-nav").append(link);
      link.dispatchEvent(new Event("shopify:navigate", { bubbles: true }));
      link.remove();
    },
    loading: note("loading"),
    toast: { show: note("toast") },
    saveBar: { show: note("saveBar.show"), hide: note("saveBar.hide") },
  };
  document.addEventListener("input", (event) => {
    if (event.target.closest("form[data-save-bar]")) calls.push(["saveBar.show"]);
  });
})();
