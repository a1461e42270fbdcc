// Colours that a program asks for, changed as little as it takes for text to be readable on what is
// behind it, in light and dark: a program cannot hide what it writes.

export type Rgb = [number, number, number];

/** The contrast that all text of the page has at least. */
const LEAST = 4.5;

interface Theme {
  ink: Rgb;
  /** What may be behind text that has no ground of its own. */
  grounds: Rgb[];
}

// As style.css has them: --ink; --panel, --bad-ground.
const LIGHT: Theme = { ink: [31, 29, 26], grounds: [[255, 255, 255], [253, 243, 241]] };
const DARK: Theme = { ink: [235, 232, 226], grounds: [[28, 27, 26], [43, 28, 25]] };

const SIXTEEN =
  "000000 cd3131 0dbc79 949800 2472c8 bc3fbc 11a8cd cccccc 666666 f14c4c 23d18b f5f543 3b8eea d670d6 29b8db ffffff";
const STEPS = [0, 95, 135, 175, 215, 255];

/** A colour of the palette of 256. */
export function paletteColour(index: number): Rgb {
  if (index < 16) {
    const value = Number.parseInt(SIXTEEN.split(" ")[index] ?? "0", 16);
    return [value >> 16, (value >> 8) & 255, value & 255];
  }
  if (index > 231) {
    const grey = 8 + (index - 232) * 10;
    return [grey, grey, grey];
  }
  const step = (by: number): number => STEPS[Math.floor((index - 16) / by) % 6] ?? 0;
  return [step(36), step(6), step(1)];
}

/** Text and ground of a colour as CSS; null: the page's own. */
export function dress(
  ink: Rgb | null,
  ground: Rgb | null,
  inverse: boolean,
): { ink: string; ground?: string } {
  const [light, dark] = [LIGHT, DARK].map((theme) => {
    const plain = theme.grounds[0] as Rgb;
    const text = inverse ? (ground ?? plain) : (ink ?? theme.ink);
    const behind = inverse ? (ink ?? theme.ink) : ground;
    return { text: readable(text, behind ? [behind] : theme.grounds), behind };
  });
  const pair = (a: Rgb, b: Rgb): string => `light-dark(${css(a)}, ${css(b)})`;
  const found = { ink: pair(light!.text, dark!.text) };
  return light?.behind && dark?.behind ? { ...found, ground: pair(light.behind, dark.behind) } : found;
}

/** The colour, or one near it that is told from each of the grounds. */
export function readable(colour: Rgb, grounds: Rgb[]): Rgb {
  const dark = Math.max(...grounds.map(luminance)) < 0.18;
  const goal = dark ? 255 : 0;
  for (let tenths = 0; ; tenths++) {
    const mixed = colour.map((part) => Math.round(part + ((goal - part) * tenths) / 10)) as Rgb;
    if (tenths === 10 || grounds.every((ground) => contrast(mixed, ground) >= LEAST)) return mixed;
  }
}

/** As WCAG 2 has it. */
export function contrast(one: Rgb, other: Rgb): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return ((high ?? 0) + 0.05) / ((low ?? 0) + 0.05);
}

function luminance(colour: Rgb): number {
  const [red, green, blue] = colour.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as Rgb;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function css([red, green, blue]: Rgb): string {
  return `rgb(${red} ${green} ${blue})`;
}
