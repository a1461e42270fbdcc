// Runs before the first paint, so that a theme that was chosen does not flash.
try {
  const chosen = localStorage.getItem("drybox-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset["theme"] = chosen;
} catch {
  // A browser without storage follows the system's theme.
}
