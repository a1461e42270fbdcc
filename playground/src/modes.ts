// The two ways to run what is in the editor: once, in a sandbox of its own, or in a session, which
// keeps its state. What a way is made of is fetched when it is first taken.
import { the } from "./form";
import type { Place, PlaceFinder } from "./places";
import type { ExecutionRequest } from "./wire";

/** Something to run. */
export interface Task {
  request: ExecutionRequest;
  /** Whether input stays open while it runs. */
  wantsInput: boolean;
  key: string;
  places: { finder: PlaceFinder | null; jump(place: Place): void };
}

export interface Mode {
  readonly isBusy: boolean;
  start(task: Task): void;
  stop(): void;
}

type Name = "once" | "session";

/** What the page asks for now; null if it cannot be asked for. */
let take: () => Task | null = () => null;

const LOAD: Record<Name, () => Promise<Mode>> = {
  once: async () => new (await import("./once")).Once(),
  session: async () => new (await import("./session")).SessionMode(take),
};
const made: Partial<Record<Name, Promise<Mode>>> = {};

let current: Name = "once";
let mode: Mode | null = null;
let starting = false;

function isBusy(): boolean {
  return starting || (mode?.isBusy ?? false);
}

/** Runs what the page asks for. `failed` is told why what does so cannot be fetched. */
export async function start(failed: (error: unknown) => void): Promise<void> {
  const task = isBusy() ? null : take();
  if (!task) return;
  starting = true;
  try {
    (await enter()).start(task);
  } catch (error) {
    failed(error);
  } finally {
    starting = false;
  }
}

export function stop(): void {
  mode?.stop();
}

async function enter(): Promise<Mode> {
  const name = current;
  made[name] ??= LOAD[name]();
  try {
    return (mode = await made[name]);
  } catch (error) {
    delete made[name];
    throw error;
  }
}

/** @param prepare Says what the page asks for. */
export function readyModes(prepare: () => Task | null): void {
  take = prepare;
  for (const radio of document.querySelectorAll<HTMLInputElement>("input[name=mode]")) {
    radio.addEventListener("change", () => {
      if (isBusy()) {
        // What runs is seen to its end where it was started.
        the<HTMLInputElement>(`mode-${current}`).checked = true;
        return;
      }
      current = radio.value as Name;
      document.body.classList.toggle("in-session", current === "session");
      void enter().catch(() => {});
    });
  }
}
