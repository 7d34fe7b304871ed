/** @typedef {{ lines: string[], grid: string, text: string, ground: string, font: string }} Palette */

/** The tokens as colours that a canvas takes: what `light-dark()` means now, an element knows. */
export const paletteNow = () => {
  const probe = document.createElement("span")
  probe.className = "probe"
  document.body.append(probe)
  const read = (name) => {
    probe.dataset.token = name
    return getComputedStyle(probe).color
  }
  const palette = {
    lines: [read("chart-1"), read("chart-2")],
    grid: read("chart-grid"),
    text: read("muted"),
    ground: read("surface"),
    font: getComputedStyle(document.body).fontFamily
  }
  probe.remove()
  return palette
}

/** @param {() => void} changed the theme is another one now, by the system's wish or the reader's */
export const onThemeChange = (changed) => {
  for (const query of ["(prefers-color-scheme: dark)", "(prefers-contrast: more)", "(forced-colors: active)"]) {
    matchMedia(query).addEventListener("change", changed)
  }
  new MutationObserver(changed).observe(document.documentElement, { attributeFilter: ["data-theme"] })
}
