"use strict";
// Filters and keys. The part of the address behind # keeps the filters and, as `at`, the
// place; without filters it is the place alone, as in a page without this script.
{
  const NAMES = ["paper", "kind", "verdict", "text", "brief"];
  const KEYS = "bsgen-report-keys";
  const form = document.getElementById("filter");
  const fields = Object.fromEntries(NAMES.map((name) => [name, form.elements[name]]));
  const count = form.querySelector("output");
  const keysOn = document.getElementById("keys-on");
  const help = form.querySelector(".keys");
  const links = [...document.querySelectorAll(".tally a")];
  const studies = [...document.querySelectorAll(".study")].map((section) => ({
    section,
    title: section.querySelector("h3"),
    link: document.querySelector(`nav [data-study="${section.id}"]`),
    paper: section.parentElement.dataset.paper,
    words: (section.querySelector("h3").textContent + " " + section.id).toLowerCase(),
    claims: [...section.querySelectorAll(".claim")].map((item) => ({
      item,
      title: item.querySelector("h4"),
      words: item.textContent.toLowerCase(),
      ...item.dataset,
    })),
  }));
  const numClaims = studies.reduce((sum, study) => sum + study.claims.length, 0);
  let place = "";

  const values = () => Object.fromEntries(NAMES.map((name) => {
    const field = fields[name];
    return [name, name === "brief" ? (field.checked ? "yes" : "") : field.value.trim()];
  }));

  function set(wanted) {
    for (const name of NAMES) {
      if (name === "brief") fields.brief.checked = wanted.brief === "yes";
      else fields[name].value = wanted[name] || "";
    }
  }

  function address(asked) {
    const kept = NAMES.filter((name) => asked[name]).map((name) => [name, asked[name]]);
    if (!kept.length) return place;
    if (place) kept.push(["at", place]);
    return kept.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
  }

  function read() {
    const text = location.hash.slice(1);
    if (!text.includes("=")) {
      return { at: text === "all" ? "" : decodeURIComponent(text) };
    }
    return Object.fromEntries(new URLSearchParams(text));
  }

  function filter() {
    const asked = values();
    const words = asked.text.toLowerCase().split(/\s+/).filter(Boolean);
    const narrow = asked.verdict || asked.kind || words.length;
    let shown = 0, shownStudies = 0;
    for (const study of studies) {
      const missing = words.filter((word) => !study.words.includes(word));
      let own = 0;
      for (const claim of study.claims) {
        const passes = (!asked.verdict || claim.verdict === asked.verdict)
          && (!asked.kind || claim.kind === asked.kind)
          && missing.every((word) => claim.words.includes(word));
        claim.item.hidden = !passes;
        own += passes;
      }
      const passes = (!asked.paper || study.paper === asked.paper) && (own || !narrow);
      study.section.hidden = study.link.hidden = !passes;
      if (passes) { shown += own; shownStudies += 1; }
    }
    for (const section of document.querySelectorAll(".paper")) {
      section.hidden = !section.querySelector(".study:not([hidden])");
    }
    document.getElementById("nothing").hidden = shownStudies > 0;
    document.body.classList.toggle("brief", asked.brief === "yes");
    count.textContent = `${shown} of ${numClaims} claims, ${shownStudies} ${shownStudies === 1 ? "study" : "studies"}`;
    for (const link of links) {
      const wanted = Object.fromEntries(new URLSearchParams(link.hash.slice(1)));
      const same = ["paper", "kind", "verdict"].every((n) => (wanted[n] || "") === asked[n]);
      if (same && !asked.text) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    history.replaceState(null, "", `#${address(asked)}`);
  }

  function goTo(title) {
    place = title.closest(".claim") ? title.id : title.closest(".study").id;
    title.focus({ preventScroll: true });
    const block = title.closest(".claim") ? "center" : "start";
    // Again when what comes into sight has its true height (content-visibility).
    const show = (more) => {
      title.scrollIntoView({ block, behavior: "instant" });
      if (more && document.activeElement === title) requestAnimationFrame(() => show(more - 1));
    };
    show(3);
    history.replaceState(null, "", `#${address(values())}`);
  }

  function follow() {
    const wanted = read();
    const asked = NAMES.some((name) => wanted[name]);
    place = wanted.at || "";
    let target = place && document.getElementById(place);
    if (asked || !place) set(wanted);
    filter();
    if (target && target.closest("[hidden]")) { set({}); filter(); }
    if (!target) {
      if (asked) toResults();
      return;
    }
    target = target.matches(".study") ? target.querySelector("h3") : target;
    if (target.matches("h3, h4")) goTo(target);
    else target.scrollIntoView();
  }

  // Of the place in the address, unless the reader has scrolled away from it.
  function titleInSight(line) {
    const found = place && document.getElementById(place);
    const title = found && (found.matches(".study") ? found.querySelector("h3") : found);
    const above = title ? title.getBoundingClientRect().top : -1;
    return above >= line && above < innerHeight ? title : null;
  }

  function step(titles, by) {
    const line = form.getBoundingClientRect().bottom;
    const top = document.activeElement.closest(".study")
      ? document.activeElement : titleInSight(line);
    let index = titles.indexOf(top);
    if (index >= 0) index += by;
    else {
      // Where the reader is: behind the focus, or below the upper edge of the window.
      index = titles.findIndex((title) => top
        ? top.compareDocumentPosition(title) & Node.DOCUMENT_POSITION_FOLLOWING
        : title.getBoundingClientRect().top > line);
      if (index < 0) index = titles.length;
      if (by < 0) index -= 1;
    }
    const title = titles[Math.max(0, Math.min(index, titles.length - 1))];
    if (title) goTo(title);
  }

  const visible = () => studies.filter((study) => !study.section.hidden);
  const toResults = () => document.getElementById("studies").scrollIntoView();
  const toggle = (verdict) => {
    fields.verdict.value = fields.verdict.value === verdict ? "" : verdict;
    place = "";
    filter();
    toResults();
  };
  const claims = () => visible().flatMap((study) => study.claims)
    .filter((claim) => !claim.item.hidden).map((claim) => claim.title);
  const actions = {
    j: () => step(claims(), 1),
    k: () => step(claims(), -1),
    n: () => step(visible().map((study) => study.title), 1),
    p: () => step(visible().map((study) => study.title), -1),
    h: () => toggle("holds"),
    f: () => toggle("fails"),
    u: () => toggle("undecided"),
    a: () => { set({}); filter(); },
    c: () => { fields.brief.checked = !fields.brief.checked; filter(); },
    t: () => { document.activeElement.blur(); place = ""; filter(); scrollTo(0, 0); },
    "/": () => { fields.text.focus(); fields.text.select(); },
    "?": () => {
      help.open = !help.open;
      help.querySelector("summary").focus();
    },
  };

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && form.contains(event.target)) {
      event.preventDefault(); // which would empty the search
      help.open = false;
      event.target.blur();
      return;
    }
    const typing = event.target.matches("select, textarea, input:not([type=checkbox])");
    if (!keysOn.checked || typing || event.ctrlKey || event.altKey || event.metaKey) return;
    if (!Object.hasOwn(actions, event.key)) return;
    event.preventDefault();
    actions[event.key]();
  });
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => { set({}); setTimeout(filter); });
  keysOn.addEventListener("change", () => {
    try { localStorage.setItem(KEYS, keysOn.checked); } catch { /* not kept */ }
  });
  try { keysOn.checked = localStorage.getItem(KEYS) !== "false"; } catch { /* the default */ }
  addEventListener("hashchange", follow);
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("header details")) details.open = true;
  });

  // Only what does scroll is a stop of the tab key.
  const boxes = new ResizeObserver((changed) => {
    for (const { target } of changed) {
      if (target.scrollWidth > target.clientWidth + 1) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });
  for (const box of document.querySelectorAll(".scrolls")) boxes.observe(box);

  const contents = document.querySelector("nav");
  const watcher = new IntersectionObserver((seen) => {
    for (const { target, isIntersecting } of seen) {
      const link = contents.querySelector(`[data-study="${target.id}"] a`);
      if (!isIntersecting) { link.removeAttribute("aria-current"); continue; }
      link.setAttribute("aria-current", "true");
      const above = link.getBoundingClientRect().top - contents.getBoundingClientRect().top;
      contents.scrollTop += above - contents.clientHeight / 3;
    }
  }, { rootMargin: "-25% 0px -70% 0px" });
  for (const study of studies) watcher.observe(study.section);

  if (matchMedia("(max-width: 46rem)").matches) {
    for (const details of document.querySelectorAll("nav details, header details")) {
      details.open = false;
    }
  }
  form.hidden = false;
  document.querySelector(".tally .hint").hidden = false;
  follow();
}
