// On a narrow screen a table of sentences becomes one card a row (pages.css): here each
// cell learns its column's heading. Without this the table scrolls.
document.addEventListener("DOMContentLoaded", () => {
  for (const table of document.querySelectorAll(".content table.docutils")) {
    const headings = [...table.querySelectorAll("thead th")].map((h) => h.textContent);
    const cells = [...table.querySelectorAll("tbody td")];
    if (headings.length < 2 || !cells.some((c) => c.textContent.length > 24)) continue;
    table.classList.add("cards");
    for (const cell of cells) {
      cell.dataset.heading = headings[cell.cellIndex];
      cell.classList.toggle("nothing", !cell.textContent.trim());
    }
  }
  // A line may end between the words of a command, not after the -- of a flag.
  for (const command of document.querySelectorAll(".content .highlight-text pre")) {
    const words = command.textContent.split(/(\s+)/).map((word) => {
      if (!word.trim()) return word;
      const span = document.createElement("span");
      span.className = "word";
      span.textContent = word;
      return span;
    });
    command.replaceChildren(...words);
  }
  // A figure opens alone, where it can be made larger.
  for (const image of document.querySelectorAll(".content img")) {
    if (image.closest("a")) continue;
    const link = document.createElement("a");
    link.href = image.src;
    image.replaceWith(link);
    link.append(image);
  }
});
