// What stands on the page, kept for as long as the tab is open: a reload loses nothing.
import { type Shared, sharedOf } from "./share";

const NAME = "drybox-draft";

interface Draft {
  /** The fragment of the address it was written at: a link that is opened later is newer. */
  fragment: string;
  program: Shared;
}

export function keepDraft(fragment: string, program: Shared): void {
  try {
    sessionStorage.setItem(NAME, JSON.stringify({ fragment, program } satisfies Draft));
  } catch {
    // Larger than the browser keeps, or a browser that keeps nothing.
  }
}

/** The draft that was written at this fragment, or null. */
export function findDraft(fragment: string): Shared | null {
  try {
    const draft = JSON.parse(sessionStorage.getItem(NAME) ?? "null") as Draft | null;
    return draft?.fragment === fragment ? sharedOf(draft.program) : null;
  } catch {
    return null;
  }
}
