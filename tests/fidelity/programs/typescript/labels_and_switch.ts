type Kind = { type: "circle"; r: number } | { type: "box"; w: number; h: number };
function area(kind: Kind): number {
  switch (kind.type) {
    case "circle": return Math.round(kind.r ** 2 * 3);
    case "box": { const { w, h } = kind; return w * h; }
    default: { const never: never = kind; return never; }
  }
}
console.log(area({ type: "circle", r: 2 }), area({ type: "box", w: 2, h: 3 }));
outer: for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) { if (j === 2) continue outer; if (i === 2) break outer; console.log(i, j); }
