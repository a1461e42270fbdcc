type Colour = "red" | "green";
const palette = { red: [255, 0, 0], green: "#0f0" } satisfies Record<Colour, unknown>;
function isText(value: unknown): value is string { return typeof value === "string"; }
function assertNumber(value: unknown): asserts value is number {
  if (typeof value !== "number") throw new TypeError(`no number: ${value}`);
}
console.log(palette.red.length, isText(palette.green), palette!.green!.length);
try { assertNumber("x"); } catch (error: unknown) { console.log((error as Error).message); }
let definite!: number;
definite = 4;
console.log(definite as unknown as string);
