// Stands in for Shopify's polaris.js: elements of the same names and attributes, drawn roughly alike, with the roles and
// form values the real ones have. Proves that our pages use them rightly, not how they look in the end.
(() => {
  const INK = "font: 13px/20px Inter, -apple-system, 'Segoe UI', Roboto, sans-serif; color: #303030;";
  class Part extends HTMLElement {
    constructor() {
      super();
      this.internals = this.attachInternals();
      this.attachShadow({ mode: "open" });
    }
    connectedCallback() {
      if (this.drawn) return;
      this.drawn = true;
      // While the page is still being read, what is inside is not there yet.
      if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => this.draw());
      else this.draw();
    }
    get(name) { return this.getAttribute(name) || ""; }
    show(style, html) { this.shadowRoot.innerHTML = `<style>:host { ${INK} } * { box-sizing: border-box; font: inherit; } ${style}</style>${html}`; }
  }
  const safe = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
  const define = (name, draw, more = {}) => {
    const made = class extends (more.base || Part) { draw() { draw.call(this); } };
    for (const [key, value] of Object.entries(more.statics || {})) made[key] = value;
    customElements.define(name, made);
  };

  class Page extends Part {
    static observedAttributes = ["heading"];
    attributeChangedCallback() { const h = this.shadowRoot.querySelector("h1"); if (h) h.textContent = this.get("heading"); }
    draw() {
      this.show(":host { display: block; max-width: 1200px; margin: 0 auto; padding: 16px; } h1 { font-size: 18px; line-height: 28px; font-weight: 650; margin: 0 0 12px; }", "<h1></h1><slot></slot>");
      this.attributeChangedCallback();
    }
  }
  customElements.define("s-page", Page);
  define("s-section", function () {
    const inner = this.parentElement.closest("s-section") !== null; // within another one it is no card of its own
    const pad = inner || this.get("padding") === "none" ? 0 : 16;
    const card = "background: #fff; border-radius: 12px; box-shadow: 0 1px 0 rgb(26 26 26 / 7%), 0 0 0 1px rgb(0 0 0 / 6%);";
    this.internals.role = "region";
    this.internals.ariaLabel = this.get("accessibilitylabel") || this.get("heading");
    this.show(`:host { display: block; ${inner ? "" : card} padding: ${pad}px; margin-bottom: 16px; overflow: hidden; } h2 { font-size: 14px; font-weight: 650; margin: 0; } header { display: flex; gap: 8px; align-items: center; margin-bottom: 8px; }`,
      `${this.get("heading") ? `<header><h2>${safe(this.get("heading"))}</h2><slot name="accessory"></slot></header>` : '<slot name="accessory"></slot>'}<slot></slot>`);
  });
  const TONES = { success: ["#affebf", "#014b40"], warning: ["#ffd6a4", "#5e4200"], critical: ["#fed1d7", "#8e0b21"], info: ["#d5ebff", "#003a5a"], neutral: ["#e3e3e3", "#4a4a4a"], auto: ["#e3e3e3", "#4a4a4a"] };
  define("s-badge", function () {
    const [ground, ink] = TONES[this.get("tone")] || TONES.auto;
    this.show(`:host { display: inline-block; padding: 0 8px; border-radius: 8px; background: ${ground}; color: ${ink}; font-size: 12px; font-weight: 550; }`, "<slot></slot>");
  });
  define("s-banner", function () {
    const [ground, ink] = TONES[this.get("tone")] || TONES.info;
    this.show(`:host { display: block; background: #fff; border-radius: 12px; margin-bottom: 16px; overflow: hidden; box-shadow: 0 0 0 1px rgb(0 0 0 / 8%); } b { display: block; background: ${ground}; color: ${ink}; padding: 8px 12px; font-weight: 650; } div { padding: 10px 12px; border-left: 4px solid ${ground}; }`,
      `${this.get("heading") ? `<b>${safe(this.get("heading"))}</b>` : ""}<div><slot></slot></div>`);
  });
  define("s-button", function () {
    const main = this.get("variant") === "primary";
    const name = this.get("accessibilitylabel") ? ` aria-label="${safe(this.get("accessibilitylabel"))}"` : "";
    const href = this.get("href");
    this.show(`:host { display: inline-block; } a, button { display: inline-block; min-height: 28px; padding: 4px 12px; border: 1px solid ${main ? "#303030" : "#8a8a8a"}; border-radius: 8px; background: ${main ? "#303030" : "#fff"}; color: ${main ? "#fff" : "#303030"}; font-weight: 550; text-decoration: none; cursor: pointer; }`,
      href ? `<a href="${safe(href)}"${name}><slot></slot></a>` : `<button type="button"${name}><slot></slot></button>`);
    if (!href && this.get("type") === "submit") this.shadowRoot.querySelector("button").addEventListener("click", () => setTimeout(() => this.internals.form.requestSubmit()));
  }, { statics: { formAssociated: true } });
  define("s-link", function () {
    this.show("a { color: #005bd3; }", `<a href="${safe(this.get("href"))}"><slot></slot></a>`);
  });
  class Field extends Part {
    static formAssociated = true;
    get value() { return this.input ? this.input.value : this.get("value"); }
    focus(options) { this.input.focus(options); }
    set value(text) { this.input.value = text; this.internals.setFormValue(text); }
    draw() {
      const notes = `${this.get("error") ? `<p class="bad" id="n">${safe(this.get("error"))}</p>` : this.get("details") ? `<p id="n">${safe(this.get("details"))}</p>` : ""}`;
      const said = `${notes ? ' aria-describedby="n"' : ""}${this.get("error") ? ' aria-invalid="true"' : ""}${this.hasAttribute("required") ? " required" : ""}${this.closest("fieldset[disabled]") ? " disabled" : ""}`;
      this.show(":host { display: block; } label { display: block; margin-bottom: 4px; } input, select, textarea { width: 100%; min-height: 32px; padding: 4px 12px; border: 1px solid #8a8a8a; border-radius: 8px; background: #fdfdfd; color: #303030; } p { margin: 4px 0 0; color: #616161; } .bad { color: #8e0b21; }",
        `<label for="i">${safe(this.get("label"))}</label>${this.control(said)}${notes}`);
      this.input = this.shadowRoot.getElementById("i");
      const tell = () => this.internals.setFormValue(this.input.value);
      tell();
      this.input.addEventListener("input", tell);
      this.input.addEventListener("keydown", (event) => { if (event.key === "Enter" && this.input.tagName === "INPUT" && this.internals.form) this.internals.form.requestSubmit(); });
    }
    control(said) { return `<input id="i" type="${this.kind || "text"}" value="${safe(this.get("value"))}"${said}>`; }
  }
  for (const [name, kind] of Object.entries({ text: "text", search: "search", number: "number", email: "email", url: "url", password: "password", date: "date" }))
    customElements.define(`s-${name}-field`, class extends Field { kind = kind; });
  customElements.define("s-text-area", class extends Field { control(said) { return `<textarea id="i" rows="${safe(this.get("rows") || "2")}"${said}>${safe(this.get("value"))}</textarea>`; } });
  customElements.define("s-select", class extends Field {
    control(said) {
      const options = [...this.querySelectorAll("s-option")].map((o) => `<option value="${safe(o.getAttribute("value") || "")}"${o.getAttribute("value") === this.get("value") ? " selected" : ""}>${safe(o.textContent)}</option>`);
      return `<select id="i"${said}>${options.join("")}</select>`;
    }
  });
  customElements.define("s-option", class extends HTMLElement {});
  customElements.define("s-checkbox", class extends Part {
    static formAssociated = true;
    draw() {
      this.show(":host { display: block; } p { margin: 0; color: #616161; } .bad { color: #8e0b21; }", `<label><input type="checkbox"${this.hasAttribute("checked") ? " checked" : ""}${this.closest("fieldset[disabled]") ? " disabled" : ""}> ${safe(this.get("label"))}</label>${this.get("error") ? `<p class="bad">${safe(this.get("error"))}</p>` : ""}${this.get("details") ? `<p>${safe(this.get("details"))}</p>` : ""}`);
      const box = this.shadowRoot.querySelector("input");
      const tell = () => this.internals.setFormValue(box.checked ? this.get("value") || "on" : null);
      tell();
      box.addEventListener("change", tell);
    }
  });
  const NARROW = "@media (max-width: 600px)";
  const role = (name, kind, style, narrow) => define(name, function () {
    this.internals.role = kind;
    this.show(`:host { ${style} } ${NARROW} { :host { ${narrow} } }`, "<slot></slot>");
  });
  role("s-table", "table", "display: table; width: 100%; border-collapse: collapse;", "display: block;");
  role("s-table-header-row", "row", "display: table-row; background: #f7f7f7;", "position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden;");
  define("s-table-header", function () {
    this.internals.role = "columnheader";
    const side = this.get("format") === "numeric" ? "end" : "start";
    this.show(`:host { display: table-cell; text-align: ${side}; padding: 6px 12px; font-size: 12px; color: #616161; font-weight: 550; }`, "<slot></slot>");
  });
  const numeric = (cell) => cell.closest("s-table")?.querySelectorAll("s-table-header")[[...cell.parentElement.children].indexOf(cell)]?.getAttribute("format") === "numeric";
  role("s-table-body", "rowgroup", "display: table-row-group;", "display: block;");
  role("s-table-row", "row", "display: table-row;", "display: block; padding: 8px 12px; border-top: 1px solid #ebebeb;");
  define("s-table-cell", function () {
    this.internals.role = "cell";
    this.show(`:host { display: table-cell; padding: 8px 12px; border-top: 1px solid #ebebeb; vertical-align: top; text-align: ${numeric(this) ? "end" : "start"}; } b { display: none; font-weight: 450; color: #616161; } ${NARROW} { :host { display: grid; text-align: start; grid-template-columns: 38% 1fr; padding: 2px 0; border: 0; } b { display: block; } }`, `<b aria-hidden="true">${safe(this.get("data-label"))}</b><div><slot></slot></div>`);
  });
  define("s-empty-state", function () {
    this.show(":host { display: block; text-align: center; padding: 24px; } h3 { font-size: 14px; font-weight: 650; margin: 0 0 4px; }", `<h3>${safe(this.get("heading"))}</h3><slot name="subheading"></slot><slot name="primary-action"></slot>`);
  });
  define("s-paragraph", function () { this.show(":host { display: block; }", "<slot></slot>"); });
  define("s-progress", function () {
    this.show("progress { width: 100%; }", `<progress max="${safe(this.get("max"))}" value="${safe(this.get("value"))}" aria-label="${safe(this.get("accessibilitylabel"))}"></progress>`);
  });
  define("s-app-nav", function () { this.style.display = "none"; });
})();
