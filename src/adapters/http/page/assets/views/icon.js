import { html } from "htm/preact"

/** Signs as strokes: no system's font is asked for them. */
const strokes = {
  close: "M6 6l12 12M18 6L6 18",
  menu: "M4 7h16M4 12h16M4 17h16",
  link: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
  search: "M11 4a7 7 0 1 0 0 14a7 7 0 0 0 0-14M16 16l5 5",
  tune: "M4 7h9M19 7h1M4 17h1M11 17h9M16 4v6M8 14v6",
  smile: "M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18M8 14c1 2 2.4 3 4 3s3-1 4-3M9 9v.5M15 9v.5",
  down: "M12 5v14M6 13l6 6l6-6"
}

export const Icon = ({ name }) => html`
  <svg
    class="sign"
    viewBox="0 0 24 24"
    width="20"
    height="20"
    aria-hidden="true"
    fill="none"
    stroke="currentColor"
    stroke-width="2"
    stroke-linecap="round"
    stroke-linejoin="round"
  >
    <path d=${strokes[name]} />
  </svg>
`
