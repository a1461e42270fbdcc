// The button that changes between light and dark.
import { the } from "./form";

const system = matchMedia("(prefers-color-scheme: dark)");
const root = document.documentElement;

function isDark(): boolean {
  const chosen = root.dataset["theme"];
  return chosen ? chosen === "dark" : system.matches;
}

export function readyTheme(): void {
  const button = the("theme");
  const show = (): void => {
    button.ariaPressed = String(isDark());
  };
  button.addEventListener("click", () => {
    const theme = isDark() ? "light" : "dark";
    root.dataset["theme"] = theme;
    try {
      localStorage.setItem("drybox-theme", theme);
    } catch {
      // Without storage the choice lasts as long as the page.
    }
    show();
  });
  system.addEventListener("change", show);
  show();
}
