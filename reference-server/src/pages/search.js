// Searches the pages of the documentation in the browser. Without this script, the navigation lists all pages.
"use strict";

const MAX_RESULTS = 30;
/// Characters of a section before and after a found word.
const CONTEXT = 90;

/// The sections of the pages, each from a heading to the next one. Undefined until the text of the pages has arrived.
let sections;

/// Called by `pages.js` with the name, the title and the HTML of each page.
function insightPages(pages) {
  sections = [];
  for (const [name, title, html] of pages) {
    // The parsed document runs no script and loads nothing.
    const body = new DOMParser().parseFromString(html, "text/html").body;
    const href = name === "index" ? "./" : name;
    let section = { href, title, heading: title, text: "" };
    for (const element of body.children) {
      if (/^H[1-3]$/.test(element.tagName)) {
        const anchor = element.tagName === "H1" ? "" : "#" + element.id;
        section = { href: href + anchor, title, heading: element.textContent, text: "" };
        sections.push(section);
      } else {
        // Words of two cells or items are two words.
        element.querySelectorAll("td, th, li, pre").forEach((part) => part.append(" "));
        section.text += " " + element.textContent.replace(/\s+/g, " ");
      }
    }
  }
}

/// The sections that contain each word, the best first: a word in a heading counts more than one in the text.
function search(sections, words) {
  const found = [];
  for (const section of sections) {
    const [heading, title, text] = [section.heading, section.title, section.text].map((it) => it.toLowerCase());
    let score = 0;
    for (const word of words) {
      const in_text = text.split(word).length - 1;
      const of_word = 20 * heading.includes(word) + 5 * title.includes(word) + Math.min(in_text, 5);
      if (of_word === 0) {
        score = 0;
        break;
      }
      score += of_word + 20 * (heading === word);
    }
    if (score > 0) found.push({ section, score });
  }
  return found.sort((a, b) => b.score - a.score).map((it) => it.section);
}

/// The text around the first found word.
function excerpt(text, words) {
  const lower = text.toLowerCase();
  const at = Math.max(0, Math.min(...words.map((word) => lower.indexOf(word)).filter((at) => at >= 0), text.length));
  const start = at === text.length ? 0 : Math.max(0, at - CONTEXT);
  const end = Math.min(text.length, start + 2 * CONTEXT);
  return (start > 0 ? "…" : "") + text.slice(start, end).trim() + (end < text.length ? "…" : "");
}

/// Adds the text to an element, with the words in bold. Text is never parsed as HTML.
function addMarked(element, text, words) {
  let rest = text;
  while (rest !== "") {
    const lower = rest.toLowerCase();
    const hits = words.map((word) => [lower.indexOf(word), word.length]).filter(([at]) => at >= 0);
    if (hits.length === 0) break;
    const [at, length] = hits.reduce((a, b) => (b[0] < a[0] ? b : a));
    element.append(rest.slice(0, at));
    element.append(Object.assign(document.createElement("mark"), { textContent: rest.slice(at, at + length) }));
    rest = rest.slice(at + length);
  }
  element.append(rest);
}

function start() {
  const main = document.querySelector("main");
  const input = Object.assign(document.createElement("input"), { type: "search", placeholder: "Search" });
  input.setAttribute("aria-label", "Search the documentation");
  const results = Object.assign(document.createElement("main"), { hidden: true });
  results.setAttribute("aria-live", "polite");
  document.querySelector("nav div").prepend(input);
  main.after(results);
  let asked = false;

  const show = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter((word) => word !== "");
    main.hidden = words.length > 0;
    results.hidden = words.length === 0;
    if (words.length === 0) return;
    if (sections === undefined) {
      results.textContent = "Loading…";
      return;
    }
    const found = search(sections, words);
    const heading = document.createElement("h1");
    heading.textContent = found.length === 0 ? "Nothing found" : found.length === 1 ? "1 result" : `${found.length} results`;
    results.replaceChildren(heading);
    for (const section of found.slice(0, MAX_RESULTS)) {
      const link = Object.assign(document.createElement("a"), { href: section.href });
      const name = section.heading === section.title ? section.title : `${section.title}: ${section.heading}`;
      addMarked(link, name, words);
      // A link to the page on the screen loads nothing, so it must also close the results.
      link.addEventListener("click", () => { input.value = ""; show(); });
      const text = document.createElement("p");
      text.append(link, document.createElement("br"));
      addMarked(text, excerpt(section.text, words), words);
      results.append(text);
    }
  };
  // The text of all pages arrives with the first use only.
  const load = () => {
    if (asked) return;
    asked = true;
    const script = Object.assign(document.createElement("script"), { src: "pages.js" });
    script.addEventListener("load", show);
    script.addEventListener("error", () => { asked = false; results.textContent = "The program does not answer."; });
    document.head.append(script);
  };
  input.addEventListener("focus", load);
  input.addEventListener("input", () => { load(); show(); });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { input.value = ""; show(); }
    if (event.key === "Enter") results.querySelector("a")?.click();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== input) { event.preventDefault(); input.focus(); }
  });
}

if (typeof document === "undefined") module.exports = { search, excerpt };
else start();
