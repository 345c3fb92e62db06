// The search: walks the lists of projects, one file for each beginning (rebuilders/site/names.py), and shows what fits.
// Whatever it shows is text: nothing from a list is ever markup.
"use strict";

(() => {
  const MOST = 50;
  const DEEPEST = 12;
  const box = document.getElementById("q");
  const said = document.getElementById("said");
  const found = document.getElementById("found");
  const letters = `${said.dataset.browse}/names-.html`;
  const hint = said.textContent;
  const kept = new Map();
  let turn = 0;

  // As rebuilders.site.paths spells a beginning.
  const spelled = (prefix) =>
    Array.from(prefix, (char) => (/[a-z0-9-]/.test(char) ? char : "_" + char.codePointAt(0).toString(16))).join("");

  // As package indexes normalise a name (PEP 503), while it is being typed.
  const normal = (text) => text.trim().toLowerCase().replace(/[-_.]+/g, "-").replace(/^-/, "");

  const load = (prefix) => {
    if (!kept.has(prefix)) {
      const loading = fetch(`${said.dataset.shards}/names-${spelled(prefix)}.json`).then((answer) => {
        if (!answer.ok) throw new Error(String(answer.status));
        return answer.json();
      });
      loading.catch(() => kept.delete(prefix));
      kept.set(prefix, loading);
    }
    return kept.get(prefix);
  };

  const begins = (name, query) => ("-" + name).includes("-" + query);

  // The projects of which a word begins with `query`, or how many there are if they are too many for one list.
  const search = async (query) => {
    for (let length = 0; ; length += 1) {
      const list = await load(query.slice(0, length));
      if (!list.below) {
        return { projects: list.projects.filter(([name]) => begins(name, query)), count: 0 };
      }
      if (length === Math.min(query.length, DEEPEST)) {
        return { projects: list.projects, count: list.count };
      }
      if (!(query[length] in list.below)) {
        return { projects: list.projects.filter(([name]) => begins(name, query)), count: 0 };
      }
    }
  };

  const item = ([name, files, matched, differed, slug]) => {
    const line = document.createElement("li");
    const link = document.createElement("a");
    link.href = `${said.dataset.projects}/${encodeURIComponent(slug || name)}.html`;
    link.textContent = name;
    const text = document.createElement("span");
    text.className = "faint";
    text.textContent = ` ${files} file${files === 1 ? "" : "s"}, ${matched} reproduced${differed ? `, ${differed} differ or disputed` : ""}`;
    line.append(link, text);
    return line;
  };

  const say = (text, href, label) => {
    said.textContent = text;
    if (href) {
      const link = document.createElement("a");
      link.href = href;
      link.textContent = label;
      said.append(" ", link);
    }
  };

  const show = async () => {
    const mine = (turn += 1);
    const query = normal(box.value);
    if (!query) {
      found.replaceChildren();
      say(hint);
      return;
    }
    try {
      const { projects, count } = await search(query);
      if (mine !== turn) return; // something else was typed meanwhile
      const order = [...projects].sort(
        ([one], [other]) => other.startsWith(query) - one.startsWith(query) || one.length - other.length || (one < other ? -1 : 1),
      );
      found.replaceChildren(...order.slice(0, MOST).map(item));
      if (count) say(`${count} projects have a word that begins with “${query}”. Go on typing, or see`, letters, "the projects by letter.");
      else if (!order.length) say(`No project that was looked at has a word that begins with “${query}”.`);
      else if (order.length > MOST) say(`${order.length} projects; the first ${MOST} are shown.`);
      else say(`${order.length} project${order.length === 1 ? "" : "s"}.`);
    } catch {
      if (mine !== turn) return;
      found.replaceChildren();
      say("The lists cannot be loaded, as from a disk. See", letters, "the projects by letter.");
    }
  };

  box.value = new URLSearchParams(location.search).get("q") || "";
  box.addEventListener("input", show);
  box.form.addEventListener("submit", (event) => {
    event.preventDefault();
    const first = found.querySelector("a");
    if (first && first.textContent === normal(box.value)) location.assign(first.href);
    else show();
  });
  box.focus();
  show();
})();
