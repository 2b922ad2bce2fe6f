"use strict";

// Sets light or dark before anything is drawn, which a module would do too late.
{
  const KEY = "faceserver-theme";
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  const chosen = () => localStorage.getItem(KEY) ?? "auto";

  const apply = () => {
    const isDark = chosen() === "auto" ? dark.matches : chosen() === "dark";
    document.documentElement.dataset.bsTheme = isDark ? "dark" : "light";
  };

  window.faceserverTheme = {
    chosen,
    choose(theme) {
      if (theme === "auto") localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, theme);
      apply();
    },
  };
  dark.addEventListener("change", apply);
  apply();
}
