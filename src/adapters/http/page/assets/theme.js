/* How the pages look, before the first paint: a classic script, so that nothing is shown in another theme first. */
{
  const themes = ["light", "dark", "contrast"]
  const key = "parley.theme"
  const root = document.documentElement

  const chosen = () => {
    try {
      return localStorage.getItem(key)
    } catch {
      return null
    }
  }
  const wear = () => {
    const theme = chosen()
    if (themes.includes(theme)) root.dataset.theme = theme
    else delete root.dataset.theme
    for (const field of document.querySelectorAll("select[data-theme-choice]")) {
      field.value = root.dataset.theme ?? "system"
      field.closest(".theme").hidden = false
    }
  }

  wear()
  addEventListener("DOMContentLoaded", wear)
  // Another page of the same browser chose.
  addEventListener("storage", (event) => event.key === key && wear())
  document.addEventListener("change", (event) => {
    if (!event.target.matches("select[data-theme-choice]")) return
    const { value } = event.target
    try {
      if (themes.includes(value)) localStorage.setItem(key, value)
      else localStorage.removeItem(key)
    } catch {
      // A browser that keeps nothing wears it until the page is left.
    }
    if (themes.includes(value)) root.dataset.theme = value
    else delete root.dataset.theme
  })
}
